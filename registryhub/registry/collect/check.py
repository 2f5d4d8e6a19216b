"""Whether the storage holds what the database says, and nothing else. Repairs nothing.

The hub may serve meanwhile, so whatever looks wrong is looked at again before it is told.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.digests import Digest, Hasher, parse_digest
from registryhub.oci.errors import OciError
from registryhub.registry.collect.files import unknown_files
from registryhub.registry.models import Blob, BlobLink, Manifest
from registryhub.registry.tree.disk import Tree
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver, StorageError

SETTLED_SECONDS = 60.0
"""A file that is younger may belong to a push that is about to end."""

_TOGETHER = 1000
_NAMED = 3

Progress = Callable[[int, int], None]


def check_blobs(driver: StorageDriver, *, with_digests: bool, progress: Progress) -> Iterator[str]:
    """What is wrong with the bytes of blobs that have a row, and how to mend it; with their digests all are read."""
    total, done, last = Blob.objects.count(), 0, 0
    while rows := list(Blob.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "digest", "size")[:_TOGETHER]):
        for pk, digest, size in rows:
            problem = _problem(driver, digest, size, with_digests)
            if problem and Blob.objects.filter(pk=pk, size=size).exists():
                problem = _problem(driver, digest, size, with_digests)
            if problem and Blob.objects.filter(pk=pk, size=size).exists():
                yield f"{digest}: {problem}; {_mend(pk, digest)}"
            done += 1
            progress(done, total)
        last = rows[-1][0]


def check_files(driver: StorageDriver) -> Iterator[str]:
    """Blobs on the disk that have no row."""
    for _, digests in unknown_files(driver):
        for digest in digests:
            path = paths.blob_data(digest.algorithm, digest.hex)
            try:
                age = timezone.now() - driver.modified_at(path)
            except PathNotFound:
                continue
            if age > timedelta(seconds=SETTLED_SECONDS) and not Blob.objects.filter(digest=str(digest)).exists():
                yield (
                    f"{digest}: is a file that no row knows; import_storage takes it over if an image of the disk tree"
                    " has it, else the next collection removes it"
                )


def check_links(driver: StorageDriver) -> Iterator[str]:
    """Links of the disk tree to blobs that are not there."""
    tree = Tree(driver)
    for repository in tree.repositories():
        digests = {str(digest): digest for digest in tree.layers(repository)}
        known = set(Blob.objects.filter(digest__in=digests).values_list("digest", flat=True))
        for text, digest in digests.items():
            if text in known or tree.size(paths.blob_data(digest.algorithm, digest.hex)) >= 0:
                continue
            if tree.size(paths.link(paths.layer_folder(repository, digest.algorithm, digest.hex))) >= 0:
                yield f"{text}: {repository} links it in the disk tree, but there is no such blob; push it again"


def _problem(driver: StorageDriver, text: str, size: int, with_digests: bool) -> str:
    """Empty when all is well."""
    try:
        digest = parse_digest(text)
        found = driver.size(paths.blob_data(digest.algorithm, digest.hex))
        if found != size:
            return f"has {found} bytes instead of {size}"
        return _wrong_digest(driver, digest) if with_digests else ""
    except PathNotFound:
        return "has a row but no bytes"
    except (OciError, StorageError, OSError) as error:
        return f"cannot be read: {error}"


def _wrong_digest(driver: StorageDriver, digest: Digest) -> str:
    hasher = Hasher(digest.algorithm)
    with closing(driver.open_reader(paths.blob_data(digest.algorithm, digest.hex))) as reader:
        for chunk in reader:
            hasher.update(chunk)
    found = hasher.digest()
    return "" if found == digest else f"holds other bytes, whose digest is {found}"


def _mend(pk: int, digest: str) -> str:
    links = BlobLink.objects.filter(blob_id=pk, repository__source_id=HUB_SOURCE_ID)
    manifests = Manifest.objects.filter(digest=digest, repository__source_id=HUB_SOURCE_ID)
    names = sorted({*_names(links), *_names(manifests)})
    if not names:
        return "nothing needs it, and the next collection removes the row"
    others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"push it again to {', '.join(names[:_NAMED])}{others}"


def _names(rows: QuerySet[BlobLink] | QuerySet[Manifest]) -> Iterable[str]:
    return rows.values_list("repository__name", flat=True)
