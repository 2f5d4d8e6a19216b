"""Blobs that nobody has any more go with their bytes: no repository links them, and none has a manifest of the digest.

Bytes and row go in one transaction, the bytes first. Whoever dies in between leaves a row without bytes: nobody links
it, so nobody is served, a push puts the bytes back, and the next collection removes it.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import OciError
from registryhub.registry.collect.ids import among, listed
from registryhub.registry.collect.links import unreferenced
from registryhub.registry.collect.locks import lock_blobs
from registryhub.registry.collect.runs import Counts, Run
from registryhub.registry.collect.windows import windows
from registryhub.registry.models import Blob, BlobLink, Manifest
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver, StorageError

BATCH = 256
AT_ONCE = 8  # removals wait for the disk or the network, not for the processor
EACH = 4  # in a row, by one thread: handing over each by itself took a fifth of the time
HOLD_SECONDS = 0.05  # on SQLite every push waits for so long

_logger = logging.getLogger(__name__)

Row = tuple[int, str, int]


def remove_blobs(run: Run) -> None:
    """Those without a link and without a manifest; a batch ends when it has held the rows for long enough."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="remove") as pool:
        for window in windows(run, Blob):
            free = _unlinked_when_dry(run) if run.is_dry else _unlinked()
            due = list(free.filter(**window).values_list("id", "digest", "size"))
            for _, digest, _ in due:
                run.listener.blob(digest)
            if run.is_dry:
                run.count(blobs=len(due), freed_bytes=sum(size for _, _, size in due))
                continue
            while due:
                looked_at: list[Row] = []
                run.step(partial(_remove, pool, run.driver, due[:BATCH], looked_at))
                due = due[len(looked_at) :]


def erase(driver: StorageDriver, digest: Digest) -> int:
    """Remove the bytes of a blob whose row is held; how many there were. Raises StorageError, OSError."""
    try:
        size = driver.size(paths.blob_data(digest.algorithm, digest.hex))
    except PathNotFound:
        size = 0
    with suppress(PathNotFound):
        driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
    return size


def _unlinked() -> QuerySet[Blob]:
    links, manifests = BlobLink.objects.filter(blob=OuterRef("pk")), Manifest.objects.filter(digest=OuterRef("digest"))
    return Blob.objects.filter(~Exists(links), ~Exists(manifests)).order_by("pk")


def _unlinked_when_dry(run: Run) -> QuerySet[Blob]:
    """What would be unlinked if the phases before had removed anything."""
    would_go = unreferenced(run.gone).filter(pk=OuterRef("pk"), touched_at__lte=run.cutoff())
    links = BlobLink.objects.filter(~Exists(would_go), blob=OuterRef("pk"))
    manifests = Manifest.objects.filter(digest=OuterRef("digest")).exclude(pk__in=listed(run.would_remove))
    return Blob.objects.filter(~Exists(links), ~Exists(manifests)).order_by("pk")


def _remove(pool: Executor, driver: StorageDriver, rows: Sequence[Row], looked_at: list[Row]) -> Counts:
    """As many as there is time for, and at least one; `looked_at` is filled with those."""
    deadline = time.monotonic() + HOLD_SECONDS
    looked_at.clear()
    held = lock_blobs([row[0] for row in rows])
    free = set(_unlinked().filter(pk__in=listed(held)).values_list("pk", flat=True))
    freed: dict[int, int | None] = {}
    while len(looked_at) < len(rows) and (not looked_at or time.monotonic() < deadline):
        together = rows[len(looked_at) : len(looked_at) + AT_ONCE * EACH]
        looked_at += together
        going = [row for row in together if row[0] in free]
        for erased in pool.map(partial(_erase_each, driver), (going[start::AT_ONCE] for start in range(AT_ONCE))):
            freed.update(erased)
    sizes = {pk: size for pk, size in freed.items() if size is not None}
    condition, ids = among(sizes)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM registry_blob WHERE id {condition}", [ids])  # noqa: S608
    return Counts(blobs=len(sizes), freed_bytes=sum(sizes.values()), skipped=len(freed) - len(sizes))


def _erase_each(driver: StorageDriver, rows: Sequence[Row]) -> dict[int, int | None]:
    """By the row's id how many bytes were freed, None when they could not be removed.

    In a thread of its own, without the database.
    """
    return {row[0]: _try_to_erase(driver, row) for row in rows}


def _try_to_erase(driver: StorageDriver, row: Row) -> int | None:
    try:
        return erase(driver, parse_digest(row[1]))
    except (OciError, StorageError, OSError) as error:
        _logger.warning("blob %s could not be removed: %s", row[1], error)
        return None
