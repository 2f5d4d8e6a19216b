"""Tags: names that move, unless a rule says that they do not (`registryhub.registry.keeping.immutability`)."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from notifications.events import Reference
from notifications.facts import TagChange
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.shared import SharedLookup
from registryhub.oci.errors import MANIFEST_UNKNOWN, OciError
from registryhub.registry import announce
from registryhub.registry.announce import RequestContext
from registryhub.registry.keeping import immutability
from registryhub.registry.models import Manifest, Tag
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
# The row itself remembers what it pointed at: so that is true, whoever moves the tag at the same time.
_POINT = """
    INSERT INTO registry_tag (repository_id, name, manifest_id, digest, media_type, size, created_at, moved_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (repository_id, name) DO UPDATE SET
        manifest_id = excluded.manifest_id, digest = excluded.digest, media_type = excluded.media_type,
        size = excluded.size, moved_at = excluded.moved_at, previous_digest = registry_tag.digest
    {once} RETURNING previous_digest
"""
_ONCE = "WHERE registry_tag.digest = excluded.digest"
_POINT_ALWAYS, _POINT_ONCE = _POINT.format(once=""), _POINT.format(once=_ONCE)


class Pointed(NamedTuple):
    """What became of a tag, and the digest that it moved from."""

    change: TagChange = ""
    moved_from: str = ""


def find_digest(repository: str, tag: str) -> str | None:
    """What the tag points at now; one prepared query."""
    row = _DIGEST.one(HUB_SOURCE_ID, repository, tag)
    return row[0] if row else None


def point(repository_id: int, name: str, manifest_id: int, manifest: Reference, *, repository: str) -> Pointed:
    """Make or move a tag, on the caller's transaction, which holds the manifest's row. The last to commit wins.

    An immutable tag is made, or stays: the statement itself finds out, so of two that make it with different digests
    the first to commit wins. A manifest that loses the tag has its grace period from now on. Raises OciError(DENIED).
    """
    rule = immutability.find_rule(repository, name)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    untag = now, repository_id, name, manifest_id
    point = repository_id, name, manifest_id, manifest.digest, manifest.media_type, manifest.size, now, now
    sql = _POINT_ONCE if rule else _POINT_ALWAYS
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"WITH untagged AS ({_UNTAG_POSTGRES}) {sql}", (*untag, *point))
        else:
            cursor.execute(_UNTAG_SQLITE, untag)
            cursor.execute(sql, point)
        row = cursor.fetchone()
    if row is None:
        assert rule is not None
        raise immutability.refused_move(repository, name, rule)
    return _pointed(row[0], manifest.digest)


def _pointed(previous: str, digest: str) -> Pointed:
    if not previous:
        return Pointed("new")
    return Pointed("same") if previous == digest else Pointed("moved", previous)


def delete(context: RequestContext, repository: str, tag: str) -> None:
    """Remove the tag; its manifest stays. Raises OciError: MANIFEST_UNKNOWN, or DENIED for an immutable one."""

    def remove_one() -> None:
        found = Tag.objects.filter(repository__source_id=HUB_SOURCE_ID, repository__name=repository, name=tag)
        row = found.select_for_update(of=("self",)).first()
        if row is None:
            raise OciError(MANIFEST_UNKNOWN, {"name": repository, "reference": tag})
        immutability.check_deletable(repository, [tag])
        remove(context, repository, [row])

    run_transaction(remove_one)


def remove(context: RequestContext, repository: str, tags: Sequence[Tag]) -> None:
    """Remove tags of one repository that the caller's transaction has locked, each with its event.

    The grace period of their manifests begins now.
    """
    lost = Manifest.objects.filter(pk__in={tag.manifest_id for tag in tags})
    # Whoever holds a manifest's row touches it himself, or removes it; to wait for him would be a deadlock.
    held = lost.select_for_update(skip_locked=True)
    Manifest.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(touched_at=timezone.now())
    Tag.objects.filter(pk__in=[tag.pk for tag in tags]).delete()
    for tag in tags:
        announce.tag_deleted(context, repository, tag.name)
