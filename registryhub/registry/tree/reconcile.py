"""Makes the disk tree agree with the rows as a whole, whatever the log says.

Nobody may write to the tree meanwhile; whoever calls holds the place of its consumer.
"""

from collections.abc import Iterable, Iterator

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.oci.digests import Digest, parse_digest
from registryhub.registry.models import BlobLink, Manifest, Tag
from registryhub.registry.tree.contents import store_contents
from registryhub.registry.tree.disk import Tree


def reconcile(tree: Tree) -> Iterator[str]:
    """Every repository that the rows or the disk know, one after the other: yields its name when it is done."""
    of_hub = Repository.objects.filter(source_id=HUB_SOURCE_ID).order_by("name")
    names = list(of_hub.values_list("name", flat=True))
    for repository in names:
        reconcile_repository(tree, repository)
        yield repository
    for repository in sorted(set(tree.repositories()).difference(names)):
        tree.remove_repository(repository)
        yield repository


def reconcile_repository(tree: Tree, repository: str) -> None:
    """What no row knows goes; so does what a tag once pointed at when that is no manifest any more."""
    of_repository = {"repository__source_id": HUB_SOURCE_ID, "repository__name": repository}
    links = BlobLink.objects.filter(**of_repository).values_list("blob__digest", flat=True)
    manifests = _digests(Manifest.objects.filter(**of_repository).values_list("digest", flat=True))
    store_contents(tree, manifests)
    _reconcile_layers(tree, repository, _digests(links))
    for digest in manifests:
        tree.write_revision(repository, digest)
    _reconcile_tags(
        tree, repository, dict(Tag.objects.filter(**of_repository).values_list("name", "digest")), manifests
    )
    for digest in tree.revisions(repository):
        if digest not in manifests:
            tree.remove_revision(repository, digest)


def _reconcile_layers(tree: Tree, repository: str, linked: set[Digest]) -> None:
    for digest in linked:
        tree.write_layer(repository, digest)
    for digest in tree.layers(repository):
        if digest not in linked:
            tree.remove_layer(repository, digest)


def _reconcile_tags(tree: Tree, repository: str, tags: dict[str, str], manifests: set[Digest]) -> None:
    for tag, digest in tags.items():
        tree.point_tag(repository, tag, parse_digest(digest))
    for tag in tree.tags(repository):
        if tag not in tags:
            tree.remove_tag(repository, tag)
            continue
        for indexed in tree.tag_index(repository, tag):
            if indexed not in manifests:
                tree.unindex_tag(repository, tag, indexed)


def _digests(texts: Iterable[str]) -> set[Digest]:
    return {parse_digest(text) for text in texts}
