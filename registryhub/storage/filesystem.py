"""Bytes in a folder of this machine, or of a network file system that has `flock`."""

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from registryhub.storage.base import PathNotFound, StorageBusy, StorageDamaged, StorageFull
from registryhub.storage.syncing import sync_file_system

_READ_BYTES = 120 << 10  # just under what malloc maps anew each time
# Larger chunks go out half as fast again, but two hundred clients that crawl must not hold so much memory. Hence they
# are for a reader that has taken _EAGER_BYTES (more than the buffers of a connection swallow) with no pause in between.
_LARGE_READ_BYTES = 384 << 10
_EAGER_BYTES = 8 << 20
_PAUSE_SECONDS = 0.02
_WRITEBACK_BYTES = 8 << 20
_MOST_REMEMBERED = 4096


class FilesystemReader:
    """Reads by position, so nothing is shared with other readers of the file."""

    def __init__(self, path: str, start: int, length: int | None) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._path = path
        self.size = os.fstat(self._descriptor).st_size
        self._position = start
        self._left = self.size - start if length is None else length

    def __iter__(self) -> Iterator[bytes]:
        eager_bytes = 0
        while self._left > 0:
            most = _LARGE_READ_BYTES if eager_bytes >= _EAGER_BYTES else _READ_BYTES
            chunk = os.pread(self._descriptor, min(most, self._left), self._position)
            if not chunk:
                raise StorageDamaged(f"{self._path}: ended at byte {self._position}, {self._left} bytes early")
            self._position += len(chunk)
            self._left -= len(chunk)
            handed_over = time.monotonic()
            yield chunk
            eager_bytes = eager_bytes + len(chunk) if time.monotonic() - handed_over < _PAUSE_SECONDS else 0

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FilesystemAppender:
    """Holds a `flock` on the file. The lock is the kernel's: it ends with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._descriptor), os.stat(path)):
                raise FileNotFoundError(errno.ENOENT, "moved away before it was locked", path)
        except BaseException:
            self.close()
            raise
        self._position = 0
        self._written_back = 0

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def start_at(self, offset: int) -> None:
        size = self.size
        if size < offset:
            raise StorageDamaged(f"{self._path}: holds {size} bytes where {offset} were written")
        if size > offset:
            os.ftruncate(self._descriptor, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        self._position = self._written_back = offset

    def write(self, chunk: bytes) -> None:
        with _named_errors(self._path):
            _write_all(self._descriptor, chunk)
        self._position += len(chunk)
        if self._position - self._written_back >= _WRITEBACK_BYTES:
            self._begin_writeback()

    def _begin_writeback(self) -> None:
        """Let the disk begin while the body still comes, so that `sync` finds little to do.

        Advice that the pages are not needed starts writing them; dirty, they stay in the cache for the first pull.
        """
        count = self._position - self._written_back
        os.posix_fadvise(self._descriptor, self._written_back, count, os.POSIX_FADV_DONTNEED)
        self._written_back = self._position

    def sync(self) -> None:
        with _named_errors(self._path):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FilesystemDriver:
    """Everything under one root folder, which is made when the first file comes.

    Paths are put together as text: `pathlib` was a tenth of the processor time of a small push.
    """

    min_chunk_bytes = 0

    def __init__(self, root: Path) -> None:
        self._root = str(root.absolute())
        self._synced_names: set[str] = set()

    def write(self, path: str, content: bytes, *, is_durable: bool = True) -> None:
        target = f"{self._root}/{path}"
        half = f"{target}.{uuid.uuid4()}.tmp" if is_durable else target
        with _named_errors(target):
            descriptor = _create(half)
            try:
                _write_all(descriptor, content)
                if is_durable:
                    os.fsync(descriptor)
                    os.rename(half, target)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(half)
                raise
            finally:
                os.close(descriptor)
            if is_durable:
                self._sync_folder(os.path.dirname(target))

    def size(self, path: str) -> int:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            return os.stat(target).st_size

    def modified_at(self, path: str) -> datetime:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            return datetime.fromtimestamp(os.stat(target).st_mtime, UTC)

    def open_reader(self, path: str, *, start: int = 0, length: int | None = None) -> FilesystemReader:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            return FilesystemReader(target, start, length)

    def open_appender(self, path: str) -> FilesystemAppender:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            return FilesystemAppender(target)

    def move(self, source: str, target: str) -> None:
        old, new = f"{self._root}/{source}", f"{self._root}/{target}"
        with _named_errors(old):
            _rename(old, new)
            self._sync_folder(os.path.dirname(new))

    def delete(self, path: str) -> None:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            try:
                _remove_folder(target)
            except NotADirectoryError:
                os.unlink(target)

    def names(self, path: str) -> list[str]:
        target = f"{self._root}/{path}"
        with _named_errors(target):
            return sorted(os.listdir(target))

    def sync(self) -> None:
        """The whole file system, in one go: a thousand small files each by itself would take seconds."""
        with _named_errors(self._root):
            sync_file_system(self._root)

    def free_bytes(self) -> int | None:
        """Of the disk the root is on, or will be on; what only the superuser may fill does not count."""
        try:
            found = os.statvfs(self._root)
        except FileNotFoundError:
            os.makedirs(self._root, exist_ok=True)
            found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize

    def _sync_folder(self, folder: str) -> None:
        """Bring a new entry of the folder to the disk, and the names of the folders above it.

        Folders come and go up to the parent, so these two are synced each time; those above stay
        (nobody removes an emptied one) and are synced once a process.
        """
        _sync(folder)
        folder = os.path.dirname(folder)
        _sync(folder)
        while folder not in self._synced_names and folder != "/":
            above = os.path.dirname(folder)
            try:
                _sync(above)
            except PermissionError:
                return  # not a folder the hub made
            if len(self._synced_names) >= _MOST_REMEMBERED:
                self._synced_names.clear()
            self._synced_names.add(folder)
            folder = above


def _create(path: str) -> int:
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        _make_folders(os.path.dirname(path))
        return os.open(path, flags, 0o666)


def _make_folders(folder: str) -> None:
    """As `os.makedirs` does, which asks after each of them first: the folder above is nearly always there."""
    with suppress(FileExistsError):
        try:
            os.mkdir(folder)
        except FileNotFoundError:
            _make_folders(os.path.dirname(folder))
            os.mkdir(folder)


def _rename(old: str, new: str) -> None:
    """Make the folders as needed, and again when another process just removed them as empty."""
    while True:
        try:
            os.rename(old, new)
        except FileNotFoundError:
            if not os.path.exists(old):
                raise
            _make_folders(os.path.dirname(new))
        else:
            return


def _remove_folder(path: str) -> None:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove_folder(entry.path)
            else:
                os.unlink(entry.path)
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise


def _write_all(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    if written < len(content):
        rest = memoryview(content)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(f"{path}: {error.strerror}") from error
    except BlockingIOError as error:
        raise StorageBusy(f"{path}: another writer has it open") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"{path}: {error.strerror}") from error
        raise
