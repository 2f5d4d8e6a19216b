"""Takes over the tags of a repository: what each points at, and since when."""

from collections.abc import Sequence, Set

from django.utils import timezone

from registryhub.database.transactions import relaxed_transaction
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import OciError
from registryhub.registry.models import Manifest, Tag
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.report import Report
from registryhub.storage import paths

_TOGETHER = 500


def take_tags(
    tree: Tree, report: Report, repository: str, repository_id: int, manifests: Set[Digest], *, is_dry: bool
) -> None:
    """`manifests` are those that have been taken over: a tag of another one is left out."""
    found = _read(tree, report, repository, manifests)
    known = dict(Tag.objects.filter(repository_id=repository_id).values_list("name", "digest"))
    moved = [tag for tag, digest in found.items() if known.get(tag) != str(digest)]
    for start in range(0, len(moved), _TOGETHER):
        tags = moved[start : start + _TOGETHER]
        if not is_dry:
            _point(tree, repository, repository_id, {tag: found[tag] for tag in tags})
        report.add("tags", len(tags))
    gone = [tag for tag in known if tag not in found]
    for start in range(0, len(gone), _TOGETHER):
        tags = gone[start : start + _TOGETHER]
        if not is_dry:
            _remove(repository_id, tags)
        report.add("removed tags", len(tags))


def _read(tree: Tree, report: Report, repository: str, manifests: Set[Digest]) -> dict[str, Digest]:
    found: dict[str, Digest] = {}
    for tag in tree.tags(repository):
        text = tree.read_link(paths.tag_current(repository, tag))
        try:
            digest = parse_digest(text or "")
        except OciError:
            report.skip(f"tag {repository}:{tag}", f"its link says {text[:200]!r}" if text else "it has no link")
            continue
        if digest in manifests:
            found[tag] = digest
        else:
            report.skip(f"tag {repository}:{tag}", f"its manifest {digest} is not there, or was skipped")
    return found


def _point(tree: Tree, repository: str, repository_id: int, tags: dict[str, Digest]) -> None:
    """The time is that of the file; a manifest that loses the tag has its grace period from now on."""
    digests = {str(digest) for digest in tags.values()}
    with relaxed_transaction():
        manifests = {
            manifest.digest: manifest
            for manifest in Manifest.objects.filter(repository_id=repository_id, digest__in=digests).defer("payload")
        }
        _touch(repository_id, list(tags))
        pointed = [
            Tag(
                repository_id=repository_id,
                name=tag,
                manifest=(manifest := manifests[str(digest)]),
                digest=manifest.digest,
                media_type=manifest.media_type,
                size=manifest.size,
                moved_at=tree.driver.modified_at(paths.link(paths.tag_current(repository, tag))),
            )
            for tag, digest in tags.items()
        ]
        Tag.objects.bulk_create(
            pointed,
            update_conflicts=True,
            unique_fields=["repository", "name"],
            update_fields=["manifest", "digest", "media_type", "size", "moved_at"],
        )


def _remove(repository_id: int, tags: Sequence[str]) -> None:
    with relaxed_transaction():
        _touch(repository_id, tags)
        Tag.objects.filter(repository_id=repository_id, name__in=tags).delete()


def _touch(repository_id: int, tags: Sequence[str]) -> None:
    losing = Tag.objects.filter(repository_id=repository_id, name__in=tags).values("manifest_id")
    Manifest.objects.filter(pk__in=losing).update(touched_at=timezone.now())
