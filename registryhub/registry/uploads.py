"""Uploads: a blob on its way in (reference B.9, E.2).

Two things hold an upload together: the lock on its data file (one request at a time writes) and the offset in its row,
which moves after the bytes are synced. Whatever dies between two steps leaves either bytes behind the offset, which the
next request cuts off, or a blob in its place without a link, which the next `finish` links.
"""

from contextlib import closing, suppress
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from registryhub.database.transactions import release_connection
from registryhub.oci.digests import CANONICAL, Digest, Hasher, parse_digest
from registryhub.oci.errors import DIGEST_INVALID, SIZE_INVALID, UNAVAILABLE, OciError
from registryhub.registry import announce, blobs, links, progress
from registryhub.registry.announce import RequestContext
from registryhub.registry.holds import Held, clear, forget, hold
from registryhub.registry.ingest import Incoming, RunningHashers, receive
from registryhub.registry.keeping import quotas
from registryhub.registry.progress import Found, Progress, WrongOffset
from registryhub.registry.room import Store, storage_errors
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageFull

_running = RunningHashers(1000)
_LARGE_BYTES = 1 << 20  # what is smaller is compared with the quota at its end only


@storage_errors()
def start(store: Store, repository: str, algorithm: str = CANONICAL) -> Progress:
    """A new, empty upload, whose bytes are hashed by the algorithm as they come.

    It may end by a digest of another one: then they are read once more. Raises OciError(UNAVAILABLE) when the disk runs
    low.
    """
    store.require_room()
    quotas.require_room(repository)
    begun = progress.new_progress(repository)
    store.driver.write(paths.upload(repository, begun.id), b"", is_durable=False)
    try:
        progress.insert(begun, algorithm)
    except BaseException:
        clear(store, repository, begun.id)
        raise
    return begun


def find_upload(repository: str, upload_id: UUID) -> Progress:
    """Where an upload stands. Raises OciError(BLOB_UPLOAD_UNKNOWN)."""
    return progress.find(repository, upload_id).at


@storage_errors()
def append(store: Store, at: Progress, incoming: Incoming) -> Progress:
    """Store a chunk that begins at `at.offset`, and say where the upload stands then.

    Raises WrongOffset; OciError BLOB_UPLOAD_UNKNOWN, UNAVAILABLE (disk low or full, another request writes), or
    SIZE_INVALID for a body that is not what it promised: what came of a shorter one is kept.
    """
    store.require_room(incoming.promised_bytes or 0)
    if (incoming.promised_bytes or 0) >= _LARGE_BYTES:
        quotas.require_room(at.repository, at.offset + (incoming.promised_bytes or 0))
    try:
        with hold(store, at) as held:
            hasher = _hasher_for(held.found, held.found.algorithm)
            count = _take_in(store, held, incoming, hasher)
            after = _record(held, count, _so_far(hasher))
    except PathNotFound as error:
        raise progress.unknown(at.id) from error
    if hasher is not None:
        _running.keep(at.id, hasher)
    _require_whole(incoming, count, after)
    return after


@storage_errors()
def finish(store: Store, context: RequestContext, at: Progress, incoming: Incoming, digest: Digest) -> None:
    """Store the last chunk, and make the whole the blob `digest` of the repository, with its event.

    Of several at once exactly one succeeds. Raises what `append` does, and OciError(DIGEST_INVALID): then the upload
    is gone.
    """
    store.require_room(incoming.promised_bytes or 0)
    try:
        with hold(store, at) as held:
            size = _complete(store, held, incoming, digest)
            if not blobs.is_stored(store.driver, digest, size):
                _require_quota(store, held.at, size, digest)
                _move(store, held.at, digest)
            _link(store, context, held.found, digest, size)
    except PathNotFound:
        _finish_moved(store, context, at, digest)


def store_blob(store: Store, context: RequestContext, repository: str, incoming: Incoming, digest: Digest) -> None:
    """An upload in one go. Raises what `finish` does, and then nothing of it is left."""
    begun = start(store, repository, digest.algorithm)
    try:
        finish(store, context, begun, incoming, digest)
    except BaseException:
        with suppress(OciError):
            cancel(store, repository, begun.id)
        raise


def cancel(store: Store, repository: str, upload_id: UUID) -> None:
    """Forget an upload. A request that is writing to it finds out at its end. Raises OciError(BLOB_UPLOAD_UNKNOWN)."""
    forget(store, repository, upload_id)


def _hasher_for(found: Found, algorithm: str) -> Hasher | None:
    """One that has seen all bytes so far; None when this process has none, or of another algorithm."""
    if found.at.offset == 0:
        return Hasher(algorithm)
    return _running.take(found.at.id, found.at.offset) if algorithm == found.algorithm else None


def _take_in(store: Store, held: Held, incoming: Incoming, hasher: Hasher | None) -> int:
    """Store the body; give the room back when it cannot be stored."""
    release_connection()
    try:
        count = receive(incoming, held.appender, hasher, store.require_room)
        if incoming.is_exceeded():
            raise OciError(SIZE_INVALID, f"the body is longer than the {incoming.promised_bytes} bytes of its range")
    except (OciError, StorageFull):
        held.appender.start_at(held.at.offset)
        raise
    return count


def _record(held: Held, count: int, digest: Digest | None) -> Progress:
    """Sync, then move the offset. A digest that nobody followed is found again at the end."""
    held.appender.sync()
    known = str(digest) if digest is not None else "" if count else held.found.digest
    return progress.move(held.at, count, known)


def _so_far(hasher: Hasher | None) -> Digest | None:
    return hasher.digest() if hasher is not None else None


def _require_whole(incoming: Incoming, count: int, after: Progress) -> None:
    if incoming.promised_bytes is not None and count < incoming.promised_bytes:
        raise OciError(
            SIZE_INVALID,
            f"the body ended after {count} of {incoming.promised_bytes} bytes;"
            f" the upload stands at {after.offset} and may go on from there",
        )


def _complete(store: Store, held: Held, incoming: Incoming, digest: Digest) -> int:
    """Store and sync the last chunk and check the whole; returns its size.

    What the client could not send again is recorded first, so that it may repeat its request.
    """
    hasher = _hasher_for(held.found, digest.algorithm)
    count = _take_in(store, held, incoming, hasher)
    if incoming.promised_bytes is not None and count < incoming.promised_bytes:
        _require_whole(incoming, count, _record(held, count, _so_far(hasher)))
    found = hasher.digest() if hasher is not None else _digest_of_all(store, held, count, digest.algorithm)
    if found != digest:
        forget(store, held.at.repository, held.at.id)
        raise OciError(DIGEST_INVALID, f"{digest} was announced, {found} was sent; start the upload again")
    size = held.at.offset + count
    if held.at.offset == 0:
        held.appender.sync()
    elif count or held.found.digest != str(digest):
        held.found = replace(held.found, at=_record(held, count, found))
    return size


def _digest_of_all(store: Store, held: Held, count: int, algorithm: str) -> Digest:
    if count == 0 and held.found.digest.startswith(f"{algorithm}:"):
        return parse_digest(held.found.digest)
    hasher = Hasher(algorithm)
    with closing(store.driver.open_reader(paths.upload(held.at.repository, held.at.id))) as reader:
        for chunk in reader:
            hasher.update(chunk)
    return hasher.digest()


def _require_quota(store: Store, at: Progress, size: int, digest: Digest) -> None:
    """Before the bytes are moved: what a quota has no room for is not kept."""
    try:
        quotas.require_room(at.repository, size, str(digest))
    except OciError:
        forget(store, at.repository, at.id)
        raise


def _move(store: Store, at: Progress, digest: Digest) -> None:
    store.driver.move(paths.upload(at.repository, at.id), paths.blob_data(digest.algorithm, digest.hex))


def _link(store: Store, context: RequestContext, found: Found, digest: Digest, size: int) -> None:
    """The one durable commit: the upload ends, the blob is linked, the event is stored; or nothing of it."""
    at = found.at
    repository_id = found.repository_id or blobs.repository_id(at.repository)
    with transaction.atomic():
        links.claim_and_link(at, repository_id, digest, size)
        if not blobs.is_stored(store.driver, digest, size):
            _move_late(store, at, digest)
        announce.blob_pushed(context, at.repository, str(digest), size)
    clear(store, at.repository, at.id)


def _move_late(store: Store, at: Progress, digest: Digest) -> None:
    """A collection took the blob just before its row was locked."""
    try:
        _move(store, at, digest)
    except PathNotFound as error:
        raise OciError(UNAVAILABLE, f"{digest} was just collected; push it again") from error


def _finish_moved(store: Store, context: RequestContext, at: Progress, digest: Digest) -> None:
    """The data is gone from the upload: ended by another request, or moved by one that died before it was linked.

    The row tells: it holds the digest of all bytes from before they were moved.
    """
    found = progress.find(at.repository, at.id)
    if found.at.offset != at.offset:
        raise WrongOffset(found.at)
    if found.digest != str(digest) or not blobs.is_stored(store.driver, digest, at.offset):
        raise progress.unknown(at.id)
    _link(store, context, found, digest, at.offset)
