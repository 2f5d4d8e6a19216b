"""Uploads that nobody finished are forgotten after a while (reference E.6)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from registryhub.oci.errors import OciError
from registryhub.registry import progress, uploads
from registryhub.registry.models import Upload
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageBusy, StorageDriver, StorageError

_logger = logging.getLogger(__name__)


def purge_uploads(store: Store, max_age_seconds: float, *, is_dry_run: bool = False) -> int:
    """Forget the uploads that began, and last grew, longer ago than that; returns how many.

    One that is being written to stays. So that nothing is left of a process that died, or of a registry that used the
    same tree before, files and folders without a row go too, by their age or their `startedat`. May run at once with
    itself and with pushes.
    What cannot be removed is passed over, and counted in the log. A dry run only counts.
    """
    before = timezone.now() - timedelta(seconds=max_age_seconds)
    _logger.info("PurgeUploads starting: olderThan=%s, actuallyDelete=%s", before, str(not is_dry_run).lower())
    purged = errors = 0
    for purge in _purges(store, before, is_dry_run):
        try:
            purged += purge()
        except (StorageError, OSError) as error:
            errors += 1
            _logger.warning("an upload could not be purged: %s", error)
    _logger.info("Purge uploads finished.  Num deleted=%d, num errors=%d", purged, errors)
    return purged


def _purges(store: Store, before: datetime, is_dry_run: bool) -> Iterator[Callable[[], bool]]:
    """One for each upload that there is a row, a file or a folder of; each tells whether its upload was purged."""
    stale = Upload.objects.filter(started_at__lt=before, updated_at__lt=before)
    for upload_id, repository in stale.values_list("id", "repository_name").iterator():
        yield partial(_purge_row, store, repository, upload_id, is_dry_run)
    for repository, upload_id in _find_on_disk(store.driver, ""):
        yield partial(_purge_rowless, store.driver, repository, upload_id, before, is_dry_run)


def _purge_row(store: Store, repository: str, upload_id: UUID, is_dry_run: bool) -> bool:
    try:
        store.driver.open_appender(paths.upload(repository, upload_id)).close()
    except StorageBusy:
        return False
    except PathNotFound:
        pass
    if is_dry_run:
        return True
    try:
        uploads.cancel(store, repository, upload_id)
    except OciError:
        return False  # ended in the meantime
    return True


def _purge_rowless(driver: StorageDriver, repository: str, upload_id: UUID, before: datetime, is_dry_run: bool) -> bool:
    started_at = _started_at(driver, repository, upload_id)
    if started_at is None or started_at >= before or progress.exists(repository, upload_id):
        return False
    try:
        if not is_dry_run:
            driver.delete(paths.upload(repository, upload_id))
    except PathNotFound:
        return False
    return True


def _started_at(driver: StorageDriver, repository: str, upload_id: UUID) -> datetime | None:
    """A folder by its own date, None for one that nobody can read."""
    try:
        with closing(driver.open_reader(paths.upload_started_at(repository, upload_id))) as reader:
            text = b"".join(reader).decode()
        moment = datetime.fromisoformat(text) if text else _left_at(driver, repository, upload_id)
    except PathNotFound:
        return _left_at(driver, repository, upload_id)
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _left_at(driver: StorageDriver, repository: str, upload_id: UUID) -> datetime | None:
    """When a file grew last, or when a process died that was making or removing a folder."""
    upload = paths.upload(repository, upload_id)
    for path in (f"{upload}/data", paths.upload_started_at(repository, upload_id), upload):
        with suppress(PathNotFound):
            return driver.modified_at(path)
    return None


def _find_on_disk(driver: StorageDriver, repository: str) -> Iterator[tuple[str, UUID]]:
    """Every upload on the disk, of the repository and of those below it."""
    folder = paths.repository_folder(repository) if repository else paths.REPOSITORIES
    for name in _names(driver, folder):
        if name == paths.UPLOADS and repository:
            for entry in _names(driver, paths.uploads_folder(repository)):
                upload_id = _parse_id(entry)
                if upload_id is not None:
                    yield repository, upload_id
        elif not name.startswith("_"):
            yield from _find_on_disk(driver, f"{repository}/{name}" if repository else name)


def _names(driver: StorageDriver, folder: str) -> list[str]:
    try:
        return driver.names(folder)
    except PathNotFound:
        return []


def _parse_id(text: str) -> UUID | None:
    try:
        upload_id = UUID(text)
    except ValueError:
        return None
    return upload_id if str(upload_id) == text else None
