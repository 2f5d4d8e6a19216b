"""Tags: names that move."""

from django.db import connection
from django.utils import timezone

from notifications.events import Reference
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.shared import SharedLookup
from registryhub.oci.errors import MANIFEST_UNKNOWN, OciError
from registryhub.registry import announce
from registryhub.registry.announce import RequestContext
from registryhub.registry.models import Tag
from registryhub.registry.retries import run_transaction

_DIGEST = SharedLookup(
    "tag_digest",
    """
    SELECT tag.digest
    FROM access_repository AS repository
    JOIN registry_tag AS tag ON tag.repository_id = repository.id
    WHERE repository.source_id = %s AND repository.name = %s AND tag.name = %s
    """,
    ("bigint", "text", "text"),
)
_UNTAG = """
    UPDATE registry_manifest SET touched_at = %s
    WHERE id IN (
        SELECT manifest.id
        FROM registry_tag AS tag
        JOIN registry_manifest AS manifest ON manifest.id = tag.manifest_id
        WHERE tag.repository_id = %s AND tag.name = %s AND tag.manifest_id <> %s
        {unlocked}
    )
"""
_UNTAG_SQLITE = _UNTAG.format(unlocked="")
# Whoever holds the old manifest's row touches it himself, or removes it.
_UNTAG_POSTGRES = _UNTAG.format(unlocked="FOR UPDATE OF manifest SKIP LOCKED")
_POINT = """
    INSERT INTO registry_tag (repository_id, name, manifest_id, digest, media_type, size, created_at, moved_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (repository_id, name) DO UPDATE SET
        manifest_id = excluded.manifest_id, digest = excluded.digest, media_type = excluded.media_type,
        size = excluded.size, moved_at = excluded.moved_at
"""


def find_digest(repository: str, tag: str) -> str | None:
    """What the tag points at now; one prepared query."""
    row = _DIGEST.one(HUB_SOURCE_ID, repository, tag)
    return row[0] if row else None


def point(repository_id: int, name: str, manifest_id: int, manifest: Reference) -> None:
    """Make or move a tag, on the caller's transaction, which holds the manifest's row. The last to commit wins.

    A manifest that loses the tag by it has its grace period from now on.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    untag = now, repository_id, name, manifest_id
    point = repository_id, name, manifest_id, manifest.digest, manifest.media_type, manifest.size, now, now
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"WITH untagged AS ({_UNTAG_POSTGRES}) {_POINT}", (*untag, *point))
        else:
            cursor.execute(_UNTAG_SQLITE, untag)
            cursor.execute(_POINT, point)


def delete(context: RequestContext, repository: str, tag: str) -> None:
    """Remove the tag; its manifest stays. Raises OciError(MANIFEST_UNKNOWN)."""

    def remove() -> None:
        found = Tag.objects.filter(repository__source_id=HUB_SOURCE_ID, repository__name=repository, name=tag)
        if not found.delete()[0]:
            raise OciError(MANIFEST_UNKNOWN, {"name": repository, "reference": tag})
        announce.tag_deleted(context, repository, tag)

    run_transaction(remove)
