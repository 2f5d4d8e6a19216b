"""Blobs that nobody has any more go with their bytes: no repository links them, and none has a manifest of the digest.

Bytes and row go in one transaction, the bytes first. Whoever dies in between leaves a row without bytes: nobody links
it, so nobody is served, a push puts the bytes back, and the next collection removes it.
"""

import logging
import time
from collections.abc import Sequence
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

BATCH = 500
HOLD_SECONDS = 0.05  # on SQLite every push waits for so long

_logger = logging.getLogger(__name__)

Row = tuple[int, str, int]


def remove_blobs(run: Run) -> None:
    """Those without a link and without a manifest; a batch ends when it has held the rows for long enough."""
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
            run.step(partial(_remove, run.driver, due[:BATCH], looked_at))
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


def _remove(driver: StorageDriver, rows: Sequence[Row], looked_at: list[Row]) -> Counts:
    """As many as there is time for, and at least one; `looked_at` is filled with those."""
    deadline = time.monotonic() + HOLD_SECONDS
    looked_at.clear()
    held = lock_blobs([row[0] for row in rows])
    free = set(_unlinked().filter(pk__in=held).values_list("pk", flat=True))
    removed, freed, skipped = [], 0, 0
    for row in rows:
        looked_at.append(row)
        if row[0] not in free:
            continue
        try:
            freed += erase(driver, parse_digest(row[1]))
            removed.append(row[0])
        except (OciError, StorageError, OSError) as error:
            skipped += 1
            _logger.warning("blob %s could not be removed: %s", row[1], error)
        if time.monotonic() > deadline:
            break
    condition, ids = among(removed)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM registry_blob WHERE id {condition}", [ids])  # noqa: S608
    return Counts(blobs=len(removed), freed_bytes=freed, skipped=skipped)
