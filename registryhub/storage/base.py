"""What a storage driver is: the narrow interface, and the errors all drivers speak in.

Paths are relative, with `/`, and come from `registryhub.storage.paths` alone: no driver sees raw input.
A driver is shared by all threads of a process. Whatever it cannot name below it raises as OSError.
"""

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

CHUNK_BYTES = 1 << 18
"""How much moves at a time. It still is in the processor's cache when it was read, is hashed and is written: 1 MiB
took a third more processor time."""


class StorageError(Exception):
    """The text names the path and what happened."""


class PathNotFound(StorageError):
    """Nothing is stored there."""


class StorageFull(StorageError):
    """The disk or the quota is full; what was written since the last `sync` may be incomplete."""


class StorageBusy(StorageError):
    """Another writer, of this process or another one, has the file open for appending."""


class StorageDamaged(StorageError):
    """What is stored is shorter than it was."""


class Reader(Protocol):
    """Chunks of a file, once. Close it, read to the end or not."""

    @property
    def size(self) -> int:
        """Bytes of the whole file, whatever part is read."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """Chunks of at most CHUNK_BYTES; raises StorageDamaged when the file ends early."""
        ...

    def close(self) -> None: ...


class Appender(Protocol):
    """The only writer of a file until it is closed; a dead process holds nothing.

    Closing without `sync` keeps what was written, but promises nothing.
    """

    @property
    def size(self) -> int:
        """Bytes of the file as it stands, written by whomever."""
        ...

    def start_at(self, offset: int) -> None:
        """Cut off what stands behind the offset (a crash leaves more than was recorded) and go on from there.

        Raises StorageDamaged when the file is shorter than that.
        """
        ...

    def write(self, chunk: bytes) -> None:
        """Append the whole chunk. Raises StorageFull."""
        ...

    def sync(self) -> None:
        """Returns when everything written would survive a loss of power. Raises StorageFull."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class StorageDriver(Protocol):
    """Where bytes live."""

    @property
    def min_chunk_bytes(self) -> int:
        """The smallest chunk, but for the last one, that costs no more than a large one; 0 where any is as good."""
        ...

    def write(self, path: str, content: bytes, *, is_durable: bool = True) -> None:
        """Store a small file in place of what was there: whole or not at all, and synced when this returns.

        Without `is_durable` it is written in place, quickly: a crash may leave a part of it. Raises StorageFull.
        """
        ...

    def size(self, path: str) -> int:
        """Bytes of a file. Raises PathNotFound."""
        ...

    def modified_at(self, path: str) -> datetime:
        """When a file was written last, or a folder changed (where there are any), aware UTC. Raises PathNotFound."""
        ...

    def open_reader(self, path: str, *, start: int = 0, length: int | None = None) -> Reader:
        """Read `length` bytes (all the rest by default) from `start` on. Raises PathNotFound."""
        ...

    def open_appender(self, path: str) -> Appender:
        """Write on at a file that exists. Raises PathNotFound, StorageBusy."""
        ...

    def move(self, source: str, target: str) -> None:
        """Rename a file, in place of what was there, and return when that would survive a loss of power.

        Whoever looks sees either no file at `target` or the whole one. Raises PathNotFound, StorageFull.
        """
        ...

    def delete(self, path: str) -> None:
        """Remove a file or a folder with all that is in it; what comes into it meanwhile stays. Raises PathNotFound."""
        ...

    def names(self, path: str) -> list[str]:
        """What is directly in a folder, sorted. Raises PathNotFound."""
        ...

    def sync(self) -> None:
        """Returns when all that was written or removed here so far, by whomever, would survive a loss of power."""
        ...

    def free_bytes(self) -> int | None:
        """Room that is left, or None when the driver knows no bound. Cheap enough to ask at each request."""
        ...
