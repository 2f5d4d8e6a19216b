"""How much is stored, and how much room is left."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.core.cache import cache
from django.db.models import Count, Sum

from registryhub.registry.models import Blob, BlobLink

_KEPT_SECONDS = 60  # adding up a million blobs takes a fifth of a second
_KEY = "registry.usage"


@dataclass(frozen=True, slots=True)
class Usage:
    """Blobs as the database knows them, each once; free and total bytes of the disk they are on, None if unknown."""

    blobs: int
    stored_bytes: int
    free_bytes: int | None
    disk_bytes: int | None

    @property
    def used_percent(self) -> int | None:
        """Of the disk, by whatever is on it."""
        if self.free_bytes is None or not self.disk_bytes:
            return None
        return round(100 * (self.disk_bytes - self.free_bytes) / self.disk_bytes)


def measure_usage(root: Path) -> Usage:
    """At most a minute old. `root` is where the storage driver keeps its files."""
    known: Usage | None = cache.get(_KEY)
    if known is None:
        known = _measure(root)
        cache.set(_KEY, known, _KEPT_SECONDS)
    return known


def measure_repository(repository_id: int) -> int:
    """Bytes of all blobs in the repository, each once; at most a minute old."""
    key = f"{_KEY}.{repository_id}"
    known: int | None = cache.get(key)
    if known is None:
        links = BlobLink.objects.filter(repository_id=repository_id)
        known = int(links.aggregate(total=Sum("blob__size", default=0))["total"])
        cache.set(key, known, _KEPT_SECONDS)
    return known


def _measure(root: Path) -> Usage:
    found = Blob.objects.aggregate(count=Count("pk"), total=Sum("size", default=0))
    made = next((folder for folder in (root, *root.parents) if folder.exists()), None)
    try:
        disk = shutil.disk_usage(made or root)
    except OSError:
        return Usage(found["count"], int(found["total"]), None, None)
    return Usage(found["count"], int(found["total"]), disk.free, disk.total)
