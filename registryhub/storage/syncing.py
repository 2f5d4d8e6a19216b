"""Bringing a whole file system to the disk, which Python can ask for all of them only."""

import ctypes
import os
from collections.abc import Callable
from functools import cache


def sync_file_system(path: str) -> None:
    """Return when the file system that `path` is on has written everything; where there is no path nothing was.

    Raises OSError, also when something could not be written.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        _syncfs()(descriptor)
    finally:
        os.close(descriptor)


@cache
def _syncfs() -> Callable[[int], None]:
    """Linux has a call for one file system; elsewhere all are synced, and no error is told."""
    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return lambda _: os.sync()

    def sync(descriptor: int) -> None:
        if function(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return sync
