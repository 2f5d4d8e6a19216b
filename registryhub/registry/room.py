"""Where bytes go, and whether there is room for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registryhub.oci.errors import UNAVAILABLE, OciError
from registryhub.storage.base import StorageBusy, StorageDriver, StorageFull

_RETRY = (("retry-after", "1"),)
_RETRY_FULL = (("retry-after", "60"),)


@dataclass(frozen=True, slots=True)
class Store:
    """The storage driver, and how much of its disk and of the database's must stay free.

    `data` is the folder of database and journal; `floor_bytes` is `hub.limits.free_bytes`.
    """

    driver: StorageDriver
    data: Path
    floor_bytes: int

    def require_room(self, coming_bytes: int = 0) -> None:
        """Refuse a push before the disk is full, so that the database and the journal can still write.

        Two system calls, so it may be asked at each push and now and then while one streams.
        Raises OciError(UNAVAILABLE).
        """
        self._compare("storage", self.driver.free_bytes(), coming_bytes)
        found = os.statvfs(self.data)
        self._compare("database", found.f_bavail * found.f_frsize, 0)

    def _compare(self, disk: str, free: int | None, coming_bytes: int) -> None:
        if free is not None and free - coming_bytes < self.floor_bytes:
            raise OciError(
                UNAVAILABLE,
                f"insufficient storage: the {disk} disk has {free >> 20} MiB left, the push brings"
                f" {coming_bytes >> 20} MiB, and {self.floor_bytes >> 20} MiB must stay free (hub.limits.free_bytes);"
                " free some room, then push again",
                headers=_RETRY_FULL,
            )


@contextmanager
def storage_errors() -> Iterator[None]:
    """Say a full or busy storage in the words of the table of errors."""
    try:
        yield
    except StorageFull as error:
        detail = "insufficient storage: the disk or the quota is full; free some room, then push again"
        raise OciError(UNAVAILABLE, detail, headers=_RETRY_FULL) from error
    except StorageBusy as error:
        detail = "another request is writing to this upload; try again when it has ended"
        raise OciError(UNAVAILABLE, detail, headers=_RETRY) from error
