"""Connections end with the thread that opened them.

A thread of the web server ends after some idle seconds. Django's wrapper of its connection is part of a reference
cycle and would wait for the garbage collector, which is told to be lazy: hundreds of open files were measured.
"""

import threading
import weakref
from contextlib import suppress

from django.db.backends.base.base import BaseDatabaseWrapper


class _Opened:
    """What a thread has opened. It dies with the thread's local storage, in that thread."""

    def __init__(self) -> None:
        self.wrappers: weakref.WeakSet[BaseDatabaseWrapper] = weakref.WeakSet()

    def __del__(self) -> None:
        for wrapper in list(self.wrappers):
            with suppress(Exception):  # at the end of the interpreter much is gone already
                wrapper.close()


_local = threading.local()


def close_with_thread(wrapper: BaseDatabaseWrapper) -> None:
    """Close the wrapper's connection at the end of this thread, at the latest."""
    opened: _Opened | None = getattr(_local, "opened", None)
    if opened is None:
        opened = _local.opened = _Opened()
    opened.wrappers.add(wrapper)
