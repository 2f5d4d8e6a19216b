"""The rows of a manifest: stored with what it refers to, and removed with its tags."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications.events import Reference
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.manifests import Manifest as Document
from registryhub.registry import announce
from registryhub.registry.announce import RequestContext
from registryhub.registry.keeping import immutability
from registryhub.registry.models import Manifest, ManifestReference, Tag

_UPSERT = """
    INSERT INTO registry_manifest
        (repository_id, digest, media_type, size, payload, artifact_type, subject, platforms, created_at, touched_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (repository_id, digest) DO UPDATE SET
        media_type = excluded.media_type, artifact_type = excluded.artifact_type, touched_at = excluded.touched_at,
        platforms = CASE excluded.platforms WHEN '' THEN registry_manifest.platforms ELSE excluded.platforms END
    RETURNING id
"""
_REFER_SQLITE = """
    INSERT INTO registry_manifestreference (manifest_id, digest, repository_id)
    SELECT %s, value, %s FROM json_each(%s) WHERE true
    ON CONFLICT (manifest_id, digest) DO NOTHING
"""
_UPSERT_POSTGRES = f"""
    WITH manifest AS ({_UPSERT}), referred AS (
        INSERT INTO registry_manifestreference (manifest_id, digest, repository_id)
        SELECT manifest.id, digest, %s FROM manifest, unnest(%s::text[]) AS digest
        ON CONFLICT (manifest_id, digest) DO NOTHING
    )
    SELECT id FROM manifest
"""  # noqa: S608 - constants
_TOUCH_BLOBS = """
    UPDATE registry_bloblink SET touched_at = %s
    WHERE repository_id = %s AND blob_id IN (
        SELECT blob.id
        FROM registry_manifestreference AS reference
        JOIN registry_blob AS blob ON blob.digest = reference.digest
        WHERE reference.manifest_id = %s
    )
"""
_TOUCH_MANIFESTS = """
    UPDATE registry_manifest SET touched_at = %s
    WHERE repository_id = %s AND digest IN (
        SELECT digest FROM registry_manifestreference WHERE manifest_id = %s
    )
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest whose row the caller's transaction holds."""

    id: int
    repository_id: int
    digest: str


def store(
    repository_id: int, manifest: Reference, document: Document, content: bytes, *, platforms: Sequence[str]
) -> int:
    """The id of the row, new or not, locked until the caller's transaction ends: nobody removes it under the tag.

    What it refers to is written down with it. On PostgreSQL it is one round trip. Platforms that were known stay when a
    later push does not know them.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    subject = str(document.subject.digest) if document.subject else ""
    row: tuple[Any, ...] = (repository_id, manifest.digest, manifest.media_type, manifest.size, content)
    row = (*row, document.artifact_type, subject, " ".join(platforms), now, now)
    digests = list({str(item.digest): None for item in document.references})
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_UPSERT_POSTGRES, (*row, repository_id, digests))
            return int(cursor.fetchone()[0])
        cursor.execute(_UPSERT, row)
        manifest_id = int(cursor.fetchone()[0])
        cursor.execute(_REFER_SQLITE, (manifest_id, repository_id, json.dumps(digests)))
        return manifest_id


def lock(repository: str, digest: str) -> Stored | None:
    """The manifest, held until the caller's transaction ends; None when the repository has none of that digest."""
    wanted = Manifest.objects.filter(repository__source_id=HUB_SOURCE_ID, repository__name=repository, digest=digest)
    found = wanted.select_for_update(of=("self",)).values_list("id", "repository_id").first()
    return Stored(*found, digest) if found else None


def remove(context: RequestContext, repository: str, manifest: Stored) -> None:
    """Remove a locked manifest and every tag that points at it, each with its event.

    The grace period of what it referred to begins now. Raises OciError(DENIED) when one of the tags is immutable.
    """
    pointing = Tag.objects.filter(manifest_id=manifest.id)
    names = list(pointing.select_for_update().order_by("name").values_list("name", flat=True))
    immutability.check_deletable(repository, names)
    discard(manifest)
    announce.manifest_deleted(context, repository, manifest.digest)
    for name in names:
        announce.tag_deleted(context, repository, name)


def discard(manifest: Stored) -> None:
    """Remove a locked manifest with its tags, and tell nobody: it was deleted elsewhere.

    The grace period of what it referred to begins now.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        for sql in (_TOUCH_BLOBS, _TOUCH_MANIFESTS):
            cursor.execute(sql, (now, manifest.repository_id, manifest.id))
        for model in (Tag, ManifestReference):
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE manifest_id = %s", (manifest.id,))  # noqa: S608
        cursor.execute("DELETE FROM registry_manifest WHERE id = %s", (manifest.id,))
