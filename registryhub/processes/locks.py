"""One hub a data folder and role: the lock that a second one is refused by."""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class AlreadyServed(Exception):
    """Another process serves a role on this data folder; the message names it and the mend."""


@contextmanager
def serving(data: Path, roles: Collection[str]) -> Iterator[None]:
    """Hold the data folder for these roles. Raises AlreadyServed, or OSError when the folder cannot be written.

    The kernel lets go of the locks when this process dies; children do not inherit them.
    """
    with ExitStack() as held:
        for role in sorted(roles):
            held.enter_context(_hold(data, role))
        yield


def who_serves(data: Path, role: str) -> str | None:
    """The id of the process that serves the role on the data folder, as it wrote it; None when nobody does."""
    path = data / f"serve-{role}.lock"
    try:
        inode = path.stat().st_ino
        is_held = any(f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines() if "FLOCK" in line)
        return path.read_text(errors="replace").strip() if is_held else None
    except FileNotFoundError:
        return None


@contextmanager
def _hold(data: Path, role: str) -> Iterator[None]:
    descriptor = os.open(data / f"serve-{role}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise AlreadyServed(
                f"process {holder or 'unknown'} already serves {role} on the data folder {data}. "
                "Stop it first, or give this hub a folder of its own with HUB_DATA."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
