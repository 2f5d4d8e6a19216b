"""The rows of unfinished uploads: where each stands. An offset moves by compare-and-swap.

All but the claim commit without waiting for the disk: after a loss of power an upload stands a little further back,
and its client goes on from there.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from notifications.events import new_id
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup
from registryhub.database.transactions import execute_relaxed
from registryhub.oci.errors import BLOB_UPLOAD_UNKNOWN, OciError

_FIND = Lookup(
    "upload_find",
    """
    SELECT upload.repository_name, upload."offset", upload.digest, upload.started_at, upload.algorithm, repository.id
    FROM registry_upload AS upload
    LEFT JOIN access_repository AS repository
    ON repository.source_id = %s AND repository.name = upload.repository_name
    WHERE upload.id = %s
    """,
)
_INSERT = """
    INSERT INTO registry_upload (id, repository_name, "offset", digest, algorithm, started_at, updated_at)
    VALUES (%s, %s, 0, '', %s, %s, %s)
"""
_MOVE = 'UPDATE registry_upload SET "offset" = %s, digest = %s, updated_at = %s WHERE id = %s AND "offset" = %s'
_CLAIM = 'DELETE FROM registry_upload WHERE id = %s AND "offset" = %s'
_FORGET = "DELETE FROM registry_upload WHERE id = %s AND repository_name = %s"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an upload stands: `offset` bytes are safely stored."""

    id: UUID
    repository: str
    offset: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What a row says. `digest` is that of the bytes so far, empty when nobody knows; they are hashed by `algorithm`.

    `repository_id` is None until the repository has anything; it comes along so that a push asks once less.
    """

    at: Progress
    digest: str
    algorithm: str
    repository_id: int | None


class WrongOffset(Exception):
    """The request goes on elsewhere than the upload stands; nothing was changed."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(f"the upload stands at {progress.offset}")
        self.progress = progress


def new_progress(repository: str) -> Progress:
    """A new upload, known to nobody yet. The id is a UUIDv7, as the reference's."""
    return Progress(UUID(new_id()), repository, 0, timezone.now())


def insert(progress: Progress, algorithm: str) -> None:
    now = connection.ops.adapt_datetimefield_value(progress.started_at)
    execute_relaxed(_INSERT, (progress.id.hex, progress.repository, algorithm, now, now))


def find(repository: str, upload_id: UUID) -> Found:
    """Where the upload stands. Raises OciError(BLOB_UPLOAD_UNKNOWN)."""
    row = _FIND.one(HUB_SOURCE_ID, upload_id.hex)
    if row is None or row[0] != repository:
        raise unknown(upload_id)
    started_at = row[3] if isinstance(row[3], datetime) else datetime.fromisoformat(row[3]).replace(tzinfo=UTC)
    return Found(Progress(upload_id, repository, row[1], started_at), row[2], row[4], row[5])


def exists(repository: str, upload_id: UUID) -> bool:
    """Whether the upload is neither finished nor forgotten."""
    row = _FIND.one(HUB_SOURCE_ID, upload_id.hex)
    return row is not None and bool(row[0] == repository)


def move(at: Progress, count: int, digest: str) -> Progress:
    """`count` more bytes are synced, and `digest` is that of all bytes, or empty.

    Raises OciError(BLOB_UPLOAD_UNKNOWN) when the upload has ended, or stands elsewhere, in the meantime.
    """
    after = replace(at, offset=at.offset + count)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    if not execute_relaxed(_MOVE, (after.offset, digest, now, at.id.hex, at.offset)):
        raise unknown(at.id)
    return after


def claim(at: Progress) -> None:
    """End the upload on the caller's transaction; of several that try, one gets past here.

    Raises OciError(BLOB_UPLOAD_UNKNOWN).
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, (at.id.hex, at.offset))
        if cursor.rowcount == 0:
            raise unknown(at.id)


def forget(repository: str, upload_id: UUID) -> None:
    """End the upload, wherever it stands. Raises OciError(BLOB_UPLOAD_UNKNOWN)."""
    if not execute_relaxed(_FORGET, (upload_id.hex, repository)):
        raise unknown(upload_id)


def unknown(upload_id: UUID) -> OciError:
    return OciError(BLOB_UPLOAD_UNKNOWN, str(upload_id))
