"""Files in the blob tree that no row knows: an upload died between moving its bytes and linking them.

What the links of the disk tree refer to is never among them: that is a registry whose database was lost, or not yet
filled by `import_storage`.
"""

import logging
from collections.abc import Iterator
from functools import partial

from django.db import connection
from django.utils import timezone

from registryhub.oci.digests import HEX_LENGTHS, Digest, parse_digest
from registryhub.oci.errors import OciError
from registryhub.registry.collect.contents import erase
from registryhub.registry.collect.runs import Counts, Run
from registryhub.registry.models import Blob, Manifest, Upload
from registryhub.registry.tree.disk import Tree
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver, StorageError

_TOGETHER = 500
_INSERT = """
    INSERT INTO registry_blob (digest, size, created_at) VALUES (%s, 0, %s)
    ON CONFLICT (digest) DO NOTHING
    RETURNING id
"""

_logger = logging.getLogger(__name__)


def remove_files(run: Run) -> None:
    """One by one, each with a row that is made to be held, so that a push of the same bytes waits."""
    due = _find_due(run)
    if due:
        _spare_linked(run, due)
    for digest, size in due.items():
        run.listener.file(str(digest))
        if run.is_dry:
            run.count(blobs=1, freed_bytes=size)
        else:
            run.step(partial(_remove, run.driver, digest))


def unknown_files(driver: StorageDriver) -> Iterator[tuple[float, list[Digest]]]:
    """Blobs on the disk that have no row, folder by folder, and how much of the tree was looked at by then."""
    folders = [
        f"{paths.BLOBS}/{algorithm}/{prefix}"
        for algorithm in _names(driver, paths.BLOBS)
        if algorithm in HEX_LENGTHS
        for prefix in _names(driver, f"{paths.BLOBS}/{algorithm}")
    ]
    for number, folder in enumerate(folders, start=1):
        found = list(_digests(driver, folder))
        for start in range(0, len(found), _TOGETHER):
            yield number / len(folders), _unknown(found[start : start + _TOGETHER])


def _find_due(run: Run) -> dict[Digest, int]:
    """Those that are old enough, and no upload's that may still end; with their size."""
    due: dict[Digest, int] = {}
    waiting = skipped = 0
    for done, digests in unknown_files(run.driver):
        for digest in digests:
            path = paths.blob_data(digest.algorithm, digest.hex)
            try:
                if run.driver.modified_at(path) > run.cutoff() or Upload.objects.filter(digest=str(digest)).exists():
                    waiting += 1
                else:
                    due[digest] = run.driver.size(path)
            except PathNotFound:
                continue
            except (StorageError, OSError) as error:
                skipped += 1
                _logger.warning("%s cannot be read: %s", path, error)
        run.keep()
        run.listener.progress(run.collection.phase, done)
    run.count(waiting=waiting, skipped=skipped)
    return due


def _spare_linked(run: Run, due: dict[Digest, int]) -> None:
    tree = Tree(run.driver)
    before = len(due)
    for repository in tree.repositories():
        for digest in (*tree.layers(repository), *tree.revisions(repository)):
            due.pop(digest, None)
        run.keep()
    if spared := before - len(due):
        run.count(skipped=spared)
        _logger.warning(
            "%d blobs are unknown to the database and stay, since the disk tree links them: run import_storage", spared
        )


def _remove(driver: StorageDriver, digest: Digest) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, (str(digest), connection.ops.adapt_datetimefield_value(timezone.now())))
        row = cursor.fetchone()
        if row is None:
            return Counts()
        counts = _erase(driver, digest)
        cursor.execute("DELETE FROM registry_blob WHERE id = %s", row)
    return counts


def _erase(driver: StorageDriver, digest: Digest) -> Counts:
    if Manifest.objects.filter(digest=str(digest)).exists() or Upload.objects.filter(digest=str(digest)).exists():
        return Counts()
    try:
        return Counts(blobs=1, freed_bytes=erase(driver, digest))
    except (StorageError, OSError) as error:
        _logger.warning("blob %s could not be removed: %s", digest, error)
        return Counts(skipped=1)


def _unknown(digests: list[Digest]) -> list[Digest]:
    known = set(Blob.objects.filter(digest__in=[str(digest) for digest in digests]).values_list("digest", flat=True))
    return [digest for digest in digests if str(digest) not in known]


def _digests(driver: StorageDriver, folder: str) -> Iterator[Digest]:
    algorithm = folder.split("/")[-2]
    for name in _names(driver, folder):
        try:
            yield parse_digest(f"{algorithm}:{name}")
        except OciError:
            _logger.warning("%s/%s is no blob, and stays", folder, name)


def _names(driver: StorageDriver, folder: str) -> list[str]:
    try:
        return driver.names(folder)
    except PathNotFound:
        return []
