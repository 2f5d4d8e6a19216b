"""Bytes in this process's memory: the filesystem driver's twin for tests."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from registryhub.storage.base import CHUNK_BYTES, PathNotFound, StorageBusy, StorageDamaged, StorageFull


class MemoryReader:
    """Sees the file as it was when it was opened."""

    def __init__(self, content: bytes, start: int, length: int | None) -> None:
        self.size = len(content)
        self._content = content
        self._position = start
        self._end = self.size if length is None else start + length

    def __iter__(self) -> Iterator[bytes]:
        while self._position < self._end:
            chunk = self._content[self._position : min(self._position + CHUNK_BYTES, self._end)]
            if not chunk:
                raise StorageDamaged(f"ended at byte {self._position}, {self._end - self._position} bytes early")
            self._position += len(chunk)
            yield chunk

    def close(self) -> None:
        """Nothing is held."""


class MemoryAppender:
    def __init__(self, driver: "MemoryDriver", path: str, content: bytearray) -> None:
        self._driver = driver
        self._path = path
        self._content = content

    @property
    def size(self) -> int:
        return len(self._content)

    def start_at(self, offset: int) -> None:
        if self.size < offset:
            raise StorageDamaged(f"{self._path}: holds {self.size} bytes where {offset} were written")
        del self._content[offset:]

    def write(self, chunk: bytes) -> None:
        self._driver.require_room(len(chunk))
        self._content += chunk

    def sync(self) -> None:
        """Memory survives no loss of power; there is nothing to wait for."""

    def close(self) -> None:
        self._driver.end_append(self._content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryDriver:
    """Holds at most `capacity` bytes in all, if one is given."""

    def __init__(self, capacity: int | None = None, *, min_chunk_bytes: int = 0) -> None:
        self.capacity = capacity
        self.min_chunk_bytes = min_chunk_bytes
        self._files: dict[str, bytearray] = {}
        self._modified_at: dict[str, datetime] = {}
        self._appending: set[int] = set()
        self._lock = threading.RLock()

    def write(self, path: str, content: bytes, *, is_durable: bool = True) -> None:
        with self._lock:
            self.require_room(len(content))
            self._files[path] = bytearray(content)
            self._modified_at[path] = datetime.now(UTC)

    def size(self, path: str) -> int:
        return len(self._find(path))

    def modified_at(self, path: str) -> datetime:
        self._find(path)
        return self._modified_at[path]

    def open_reader(self, path: str, *, start: int = 0, length: int | None = None) -> MemoryReader:
        return MemoryReader(bytes(self._find(path)), start, length)

    def open_appender(self, path: str) -> MemoryAppender:
        with self._lock:
            content = self._find(path)
            if id(content) in self._appending:
                raise StorageBusy(f"{path}: another writer has it open")
            self._appending.add(id(content))
            return MemoryAppender(self, path, content)

    def move(self, source: str, target: str) -> None:
        with self._lock:
            self._files[target] = self._find(source)
            self._modified_at[target] = self._modified_at.pop(source)
            del self._files[source]

    def delete(self, path: str) -> None:
        with self._lock:
            found = [name for name in self._files if name == path or name.startswith(f"{path}/")]
            if not found:
                raise PathNotFound(f"{path}: no such file or folder")
            for name in found:
                del self._files[name], self._modified_at[name]

    def names(self, path: str) -> list[str]:
        with self._lock:
            found = {
                name.removeprefix(f"{path}/").partition("/")[0] for name in self._files if name.startswith(f"{path}/")
            }
        if not found:
            raise PathNotFound(f"{path}: no such folder")
        return sorted(found)

    def sync(self) -> None:
        """Memory survives no loss of power; there is nothing to wait for."""

    def free_bytes(self) -> int | None:
        if self.capacity is None:
            return None
        with self._lock:
            return self.capacity - sum(map(len, self._files.values()))

    def require_room(self, count: int) -> None:
        """Raises StorageFull."""
        free = self.free_bytes()
        if free is not None and free < count:
            raise StorageFull(f"no room for {count} more bytes")

    def end_append(self, content: bytearray) -> None:
        with self._lock:
            self._appending.discard(id(content))

    def _find(self, path: str) -> bytearray:
        try:
            return self._files[path]
        except KeyError:
            raise PathNotFound(f"{path}: no such file") from None
