"""Journal segments: files that a living owner holds by a lock, so that the lock tells the living from the dead."""

import errno
import fcntl
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

SUFFIX = ".journal"
_FLAGS = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class Segment:
    """One append-only file, locked by this process until it is closed. Its user keeps threads apart.

    When it is no longer `is_sound`, nothing more may be appended.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self.is_sound = True
        self.opened_at = time.monotonic()
        self._descriptor = descriptor

    def append(self, data: bytes, *, sync: bool) -> None:
        """Write all of it, or raise OSError and leave the file as it was."""
        written = os.write(self._descriptor, data)
        if written != len(data):
            self._cut_back()
            raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")
        if sync:
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                self._cut_back()
                self.is_sound = False  # the kernel forgets what it could not write, and would call the next sync good
                raise
        self.size += written

    def _cut_back(self) -> None:
        self.is_sound = False
        os.ftruncate(self._descriptor, self.size)
        self.is_sound = True

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Finish the segment: from now on the shipper may take it. An empty one is removed.

        The lock is given back by name: a forked child may still hold the descriptor, and with it the lock.
        """
        if self.size == 0:
            self.path.unlink(missing_ok=True)
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.forget()

    def forget(self) -> None:
        """Close the descriptor and leave the lock to whoever else has it: for a forked child."""
        os.close(self._descriptor)


def create_segment(folder: Path) -> Segment:
    """Create a segment and lock it. Raises OSError.

    Names sort by time of creation, so that segments are shipped in about the order they were written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}{SUFFIX}"
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if has_name(descriptor, path):
                return Segment(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the shipper was quicker than our lock and took the empty file for an orphan


def claim_orphan(path: Path) -> int | None:
    """Lock a segment whose owner has finished it or is dead; its descriptor, or None while the owner lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def waiting_seconds(folder: Path) -> float:
    """How long ago the last line was written to the oldest segment in the folder that has any. Raises OSError."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with suppress(FileNotFoundError):  # shipped just now
            if (found := path.stat()).st_size:
                return time.time() - found.st_mtime
    return 0.0


def has_name(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one found under its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
