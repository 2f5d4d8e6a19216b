"""Tags: names that move."""

from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup
from registryhub.oci.errors import MANIFEST_UNKNOWN, OciError
from registryhub.registry import announce
from registryhub.registry.announce import RequestContext
from registryhub.registry.models import Manifest, Tag
from registryhub.registry.retries import run_transaction

_DIGEST = Lookup(
    "tag_digest",
    """
    SELECT tag.digest
    FROM access_repository AS repository
    JOIN registry_tag AS tag ON tag.repository_id = repository.id
    WHERE repository.source_id = %s AND repository.name = %s AND tag.name = %s
    """,
)


def find_digest(repository: str, tag: str) -> str | None:
    """What the tag points at now; one prepared query."""
    row = _DIGEST.one(HUB_SOURCE_ID, repository, tag)
    return row[0] if row else None


def point(name: str, manifest: Manifest) -> None:
    """Make or move a tag of the manifest's repository, on the caller's transaction. The last to commit wins."""
    Tag.objects.bulk_create(
        [
            Tag(
                repository_id=manifest.repository_id,
                name=name,
                manifest=manifest,
                digest=manifest.digest,
                media_type=manifest.media_type,
                size=manifest.size,
                moved_at=timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["repository", "name"],
        update_fields=["manifest", "digest", "media_type", "size", "moved_at"],
    )


def delete(context: RequestContext, repository: str, tag: str) -> None:
    """Remove the tag; its manifest stays. Raises OciError(MANIFEST_UNKNOWN)."""

    def remove() -> None:
        found = Tag.objects.filter(repository__source_id=HUB_SOURCE_ID, repository__name=repository, name=tag)
        if not found.delete()[0]:
            raise OciError(MANIFEST_UNKNOWN, {"name": repository, "tag": tag}, message="unknown tag")
        announce.tag_deleted(context, repository, tag)

    run_transaction(remove)
