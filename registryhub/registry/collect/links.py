"""Blobs that no manifest of their repository refers to go from it, once their grace period is over.

A manifest that is being pushed holds the blobs it refers to, a mount and an upload hold theirs. So whoever holds a blob
here sees every manifest that needs it, and none can come before the link is gone. A HEAD only moves `touched_at`,
which is looked at again in the statement that removes the link.
"""

import logging
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from registryhub.oci.digests import parse_digest
from registryhub.oci.errors import OciError
from registryhub.registry.collect.ids import among, listed
from registryhub.registry.collect.locks import lock_blobs
from registryhub.registry.collect.runs import Counts, Run
from registryhub.registry.collect.windows import windows
from registryhub.registry.keeping import quotas
from registryhub.registry.models import BlobLink, ManifestReference
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver, StorageError

BATCH = 200

_logger = logging.getLogger(__name__)

_REMOVE = """
    DELETE FROM registry_bloblink
    WHERE id {links} AND blob_id {blobs} AND touched_at <= %s AND NOT EXISTS (
        SELECT 1
        FROM registry_blob AS blob
        JOIN registry_manifestreference AS reference ON reference.digest = blob.digest
        WHERE blob.id = registry_bloblink.blob_id AND reference.repository_id = registry_bloblink.repository_id
    )
    RETURNING id, repository_id, (SELECT size FROM registry_blob WHERE id = blob_id)
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A blob in a repository."""

    id: int
    blob_id: int
    repository: str
    digest: str
    touched_at: datetime


def remove_links(run: Run) -> None:
    """In small batches, each with the files of its links in the disk tree."""
    for window in windows(run, BlobLink):
        rows = (
            unreferenced(run.gone)
            .filter(**window)
            .values_list("id", "blob_id", "repository__name", "blob__digest", "touched_at")
        )
        found, cutoff = [Link(*row) for row in rows], run.cutoff()
        due = [link for link in found if link.touched_at <= cutoff]
        for start in range(0, len(due), BATCH):
            batch = due[start : start + BATCH]
            for link in batch:
                run.listener.link(link.repository, link.digest)
            if run.is_dry:
                run.count(links=len(batch))
            else:
                run.step(partial(_remove, run.driver, batch, cutoff))
        run.count(waiting=len(found) - len(due))


def unreferenced(gone: Set[int]) -> QuerySet[BlobLink]:
    """Links of blobs that no manifest of their repository refers to; those that are `gone` refer to nothing."""
    references = ManifestReference.objects.filter(
        repository_id=OuterRef("repository_id"), digest=OuterRef("blob__digest")
    )
    return BlobLink.objects.filter(~Exists(references.exclude(manifest_id__in=listed(gone)) if gone else references))


def _remove(driver: StorageDriver, links: Sequence[Link], cutoff: datetime) -> Counts:
    held = lock_blobs([link.blob_id for link in links])
    (of_links, ids), (of_blobs, blob_ids) = among([link.id for link in links]), among(held)
    before = connection.ops.adapt_datetimefield_value(cutoff)
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE.format(links=of_links, blobs=of_blobs), [ids, blob_ids, before])
        removed = {row[0]: row[1:] for row in cursor.fetchall()}
    for link in links:
        if link.id in removed:
            _remove_file(driver, link)
    sizes: Counter[int] = Counter()
    for repository_id, size in removed.values():
        sizes[repository_id] += size
    quotas.released_by(sizes)
    return Counts(links=len(removed))


def _remove_file(driver: StorageDriver, link: Link) -> None:
    """While the blob is held: whoever links it again writes the file after that."""
    try:
        digest = parse_digest(link.digest)
        driver.delete(paths.layer_folder(link.repository, digest.algorithm, digest.hex))
    except PathNotFound:
        pass
    except (OciError, StorageError, OSError) as error:
        _logger.warning("the link of %s to %s stays in the disk tree: %s", link.repository, link.digest, error)
