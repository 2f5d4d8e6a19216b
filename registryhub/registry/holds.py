"""The hold of one request on an upload: while it lasts nobody else writes to it, in this process or another one."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from registryhub.registry import progress
from registryhub.registry.progress import Found, Progress, WrongOffset
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.base import Appender, PathNotFound, StorageBusy, StorageDamaged, StorageError

_logger = logging.getLogger(__name__)

BUSY_SECONDS = 1.0
_BUSY_PAUSE_SECONDS = 0.02


@dataclass(slots=True)
class Held:
    """An upload that this request alone writes to."""

    found: Found
    appender: Appender

    @property
    def at(self) -> Progress:
        return self.found.at


@contextmanager
def hold(store: Store, at: Progress) -> Iterator[Held]:
    """Lock the upload and cut it to its recorded offset. Raises PathNotFound when its data is not there (any more)."""
    with _open(store, at) as appender:
        found = progress.find(at.repository, at.id)
        if found.at.offset != at.offset:
            raise WrongOffset(found.at)
        try:
            appender.start_at(at.offset)
        except StorageDamaged as error:
            _logger.error("upload %s of %s is lost: %s", at.id, at.repository, error)
            forget(store, at.repository, at.id)
            raise progress.unknown(at.id) from error
        yield Held(found, appender)


def _open(store: Store, at: Progress) -> Appender:
    path = paths.upload(at.repository, at.id)
    try:
        return _lock(store, path)
    except PathNotFound:
        if progress.find(at.repository, at.id).at.offset:
            raise
    # A finish in one go died after it had moved the data: as far as its client knows nothing was sent yet.
    store.driver.write(path, b"", is_durable=False)
    return _lock(store, path)


def _lock(store: Store, path: str) -> Appender:
    """Wait a moment: whoever was cut off and goes on at once meets the end of its own last request."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return store.driver.open_appender(path)
        except StorageBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(_BUSY_PAUSE_SECONDS)


def forget(store: Store, repository: str, upload_id: UUID) -> None:
    """End an upload without a blob: its row, then its bytes. Raises OciError(BLOB_UPLOAD_UNKNOWN)."""
    progress.forget(repository, upload_id)
    clear(store, repository, upload_id)


def clear(store: Store, repository: str, upload_id: UUID) -> None:
    """Remove what is left of an upload on the disk; what stays is purged later."""
    try:
        store.driver.delete(paths.upload(repository, upload_id))
    except PathNotFound:
        pass
    except (StorageError, OSError) as error:
        _logger.warning("the bytes of upload %s of %s stay until they are purged: %s", upload_id, repository, error)
