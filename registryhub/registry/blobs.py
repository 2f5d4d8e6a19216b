"""Blobs: who may see which, and where their bytes are.

A blob's row is the lock between pushes and a collection. Who links a blob locks its row in the transaction that links
it, and then makes sure the bytes are there; who removes one holds its row while it looks that nobody links it and
removes the bytes. So what a push linked is never removed.
"""

import logging

from django.db import connection, transaction
from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.access.repositories import ensure_repository
from registryhub.database.lookups import Lookup
from registryhub.database.transactions import execute_relaxed
from registryhub.oci.digests import Digest
from registryhub.oci.errors import BLOB_UNKNOWN, OciError
from registryhub.registry import announce
from registryhub.registry.aging import is_aging
from registryhub.registry.announce import RequestContext
from registryhub.registry.keeping import quotas
from registryhub.registry.protect import check_blob
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, Reader, StorageDriver

_logger = logging.getLogger(__name__)

_FIND = Lookup(
    "blob_find",
    """
    SELECT blob.size
    FROM access_repository AS repository
    JOIN registry_bloblink AS link ON link.repository_id = repository.id
    JOIN registry_blob AS blob ON blob.id = link.blob_id
    WHERE repository.source_id = %s AND repository.name = %s AND blob.digest = %s
    """,
)
_LOOK_AT = Lookup(
    "blob_look_at",
    """
    SELECT blob.size, link.id, link.touched_at, EXISTS (
        SELECT 1 FROM registry_manifestreference AS reference
        WHERE reference.repository_id = repository.id AND reference.digest = blob.digest
    )
    FROM access_repository AS repository
    JOIN registry_bloblink AS link ON link.repository_id = repository.id
    JOIN registry_blob AS blob ON blob.id = link.blob_id
    WHERE repository.source_id = %s AND repository.name = %s AND blob.digest = %s
    """,
)
_FIND_REPOSITORY = Lookup("blob_repository_find", "SELECT id FROM access_repository WHERE source_id = %s AND name = %s")
# Two, so that a repository which has the blob already is not its own source while another one has it.
_FIND_SOURCES = Lookup(
    "blob_sources_find",
    """
    SELECT repository.name
    FROM registry_bloblink AS link
    JOIN access_repository AS repository ON repository.id = link.repository_id
    WHERE link.blob_id = (SELECT id FROM registry_blob WHERE digest = %s) AND repository.source_id = %s
    ORDER BY link.repository_id
    LIMIT 2
    """,
)
_LOCK = """
    INSERT INTO registry_blob (digest, size, created_at) VALUES (%s, %s, %s)
    ON CONFLICT (digest) DO UPDATE SET size = excluded.size
    RETURNING id
"""
_LOCK_OF_SOURCE = """
    UPDATE registry_blob SET size = size
    WHERE digest = %s AND id IN (
        SELECT link.blob_id
        FROM registry_bloblink AS link
        JOIN access_repository AS repository ON repository.id = link.repository_id
        WHERE repository.source_id = %s AND repository.name = %s
    )
    RETURNING id, size
"""
_LINK = """
    INSERT INTO registry_bloblink (repository_id, blob_id, created_at, touched_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (repository_id, blob_id) DO UPDATE SET touched_at = excluded.touched_at
"""
_LINK_ANEW = """
    INSERT INTO registry_bloblink (repository_id, blob_id, created_at, touched_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (repository_id, blob_id) DO NOTHING
"""
_LINK_AGAIN = "UPDATE registry_bloblink SET touched_at = %s WHERE repository_id = %s AND blob_id = %s"
_TOUCH = "UPDATE registry_bloblink SET touched_at = %s WHERE id = %s"
_UNLINK = """
    DELETE FROM registry_bloblink
    WHERE repository_id IN (SELECT id FROM access_repository WHERE source_id = %s AND name = %s)
    AND blob_id IN (SELECT id FROM registry_blob WHERE digest = %s)
    RETURNING repository_id, (SELECT size FROM registry_blob WHERE id = blob_id)
"""


def find_blob(repository: str, digest: Digest) -> int:
    """The size of a blob that the repository links. Raises OciError(BLOB_UNKNOWN)."""
    row = _FIND.one(HUB_SOURCE_ID, repository, str(digest))
    if row is None:
        raise OciError(BLOB_UNKNOWN, str(digest))
    return int(row[0])


def look_at_blob(driver: StorageDriver, repository: str, digest: Digest) -> int:
    """The size of a blob that a client asks for before it decides to push it (HEAD); one query.

    What no manifest of the repository refers to yet has its grace period anew, so that nobody collects it before the
    manifest comes; written only when a quarter of that has passed. Raises OciError(BLOB_UNKNOWN), also when the bytes
    are lost or it is just being collected.
    """
    row = _LOOK_AT.one(HUB_SOURCE_ID, repository, str(digest))
    if row is None or not is_stored(driver, digest, row[0]):
        raise OciError(BLOB_UNKNOWN, str(digest))
    size, link_id, touched_at, is_referred_to = row
    if not is_referred_to and is_aging(touched_at) and not execute_relaxed(_TOUCH, (_now(), link_id)):
        raise OciError(BLOB_UNKNOWN, str(digest))
    return int(size)


def open_blob(driver: StorageDriver, digest: Digest, *, size: int, start: int, length: int) -> Reader:
    """Read a part of a blob of the size that `find_blob` has told.

    Raises OciError(BLOB_UNKNOWN) when its bytes are lost, or not all there: then none of them are served.
    """
    try:
        reader = driver.open_reader(paths.blob_data(digest.algorithm, digest.hex), start=start, length=length)
    except PathNotFound as error:
        _logger.error("blob %s has a row but no bytes: push it again", digest)
        raise OciError(BLOB_UNKNOWN, str(digest)) from error
    if reader.size != size:
        reader.close()
        _logger.error("blob %s has %d bytes instead of %d: push it again", digest, reader.size, size)
        raise OciError(BLOB_UNKNOWN, str(digest))
    return reader


def is_stored(driver: StorageDriver, digest: Digest, size: int) -> bool:
    """Whether the bytes are in their place; a file of another size is none (and a push replaces it)."""
    try:
        return driver.size(paths.blob_data(digest.algorithm, digest.hex)) == size
    except PathNotFound:
        return False


def repository_id(repository: str) -> int:
    """The id of this hub's repository, which is made when it is new."""
    row = _FIND_REPOSITORY.one(HUB_SOURCE_ID, repository)
    return int(row[0]) if row else ensure_repository(HUB_SOURCE_ID, repository)


def lock_blob(digest: Digest, size: int) -> int:
    """The id of the blob's row, made or found, and locked until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, (str(digest), size, _now()))
        return int(cursor.fetchone()[0])


def link_blob(repository_id: int, blob_id: int, *, repository: str, size: int) -> None:
    """Make a locked blob visible in a repository; its grace period begins (anew).

    Raises OciError(DENIED) when the link is new and a quota has no room for it.
    """
    now = _now()
    quota_ids = quotas.covering(repository)
    with connection.cursor() as cursor:
        if not quota_ids:
            cursor.execute(_LINK, (repository_id, blob_id, now, now))
            return
        cursor.execute(_LINK_ANEW, (repository_id, blob_id, now, now))
        is_new = cursor.rowcount == 1
        if not is_new:
            cursor.execute(_LINK_AGAIN, (now, repository_id, blob_id))
    if is_new:
        quotas.charge(quota_ids, size)


def find_source(repository: str, digest: Digest) -> str | None:
    """The oldest repository that a blob can be mounted from, another one if there is one; None when nobody has it."""
    names = [name for (name,) in _FIND_SOURCES.all(str(digest), HUB_SOURCE_ID)]
    return next((name for name in names if name != repository), names[0] if names else None)


def mount_blob(
    driver: StorageDriver, context: RequestContext, repository: str, digest: Digest, from_repository: str
) -> bool:
    """Link a blob of another repository, with its event; False when that one does not have it."""
    if _FIND.one(HUB_SOURCE_ID, from_repository, str(digest)) is None:
        return False
    target_id = repository_id(repository)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_OF_SOURCE, (str(digest), HUB_SOURCE_ID, from_repository))
            row = cursor.fetchone()
        if row is None or not is_stored(driver, digest, row[1]):
            return False
        link_blob(target_id, row[0], repository=repository, size=row[1])
        announce.blob_mounted(context, repository, str(digest), row[1], from_repository)
    return True


def unlink_blob(context: RequestContext, repository: str, digest: Digest, *, is_protected: bool = False) -> None:
    """Remove a blob from a repository, with its event; its bytes stay for the others.

    Raises OciError: BLOB_UNKNOWN; DENIED for a protected one that a manifest of the repository refers to.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_UNLINK, (HUB_SOURCE_ID, repository, str(digest)))
            unlinked = cursor.fetchone()
        if unlinked is None:
            raise OciError(BLOB_UNKNOWN, str(digest))
        if is_protected:
            check_blob(unlinked[0], str(digest))
        announce.blob_deleted(context, repository, str(digest))
        quotas.released(*unlinked)


def _now() -> str | None:
    return connection.ops.adapt_datetimefield_value(timezone.now())
