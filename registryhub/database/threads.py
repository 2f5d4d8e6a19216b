"""Connections belong to a thread, and end with it.

A thread of the web server ends after some idle seconds. Django's wrapper of its connection is part of a reference
cycle and would wait for the garbage collector, which is told to be lazy: hundreds of open files were measured.

The dying thread only hands its wrappers over, to a thread that closes them. Closing them itself killed the process: in
a thread that was not started by Python, its state is half gone by then, and closing a SQLite connection takes the
interpreter's lock the way foreign threads do, which frees that state a second time (segmentation fault, CPython 3.11).
"""

import os
import threading
import weakref
from contextlib import suppress
from queue import SimpleQueue

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_Orphans = SimpleQueue[list[BaseDatabaseWrapper]]


class _Opened:
    """What a thread has opened. It dies with the thread's local storage, in that thread."""

    def __init__(self, orphans: _Orphans) -> None:
        self._orphans = orphans
        self.wrappers: weakref.WeakSet[BaseDatabaseWrapper] = weakref.WeakSet()

    def __del__(self) -> None:
        self._orphans.put(list(self.wrappers))


class _Closer:
    """The one thread of this process that closes what ended threads have left; a forked child starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = 0
        self._orphans: _Orphans = SimpleQueue()

    def orphans(self) -> _Orphans:
        """Where a thread leaves its wrappers."""
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                self._orphans = SimpleQueue()
                threading.Thread(target=_close, args=(self._orphans,), name="closer", daemon=True).start()
            return self._orphans


def _close(orphans: _Orphans) -> None:
    while True:
        _close_all(orphans.get())


def _close_all(wrappers: list[BaseDatabaseWrapper]) -> None:
    for wrapper in wrappers:
        wrapper.inc_thread_sharing()
        with suppress(Exception):  # it was open in a thread that failed, or the database is gone
            wrapper.close()


_closer = _Closer()
_local = threading.local()


def close_with_thread(wrapper: BaseDatabaseWrapper) -> None:
    """Close the wrapper's connection soon after the end of this thread, at the latest."""
    opened: _Opened | None = getattr(_local, "opened", None)
    if opened is None:
        opened = _local.opened = _Opened(_closer.orphans())
    opened.wrappers.add(wrapper)


def own_wrapper() -> BaseDatabaseWrapper:
    """What this thread reaches the database by: `connections["default"]`, found in a tenth of its time."""
    try:
        found: BaseDatabaseWrapper = _local.wrapper
    except AttributeError:
        found = _local.wrapper = connections["default"]
    return found
