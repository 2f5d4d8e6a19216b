"""What a process remembers of a small table for a moment, so that a push does not ask for rules each time."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

SECONDS = 2.0

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A value that is loaded again when it is older than SECONDS, by one thread while the others use the old one.

    No thread waits for another here: it may hold the lock or the connection that the other needs.
    """

    def __init__(self, load: Callable[[], Value]) -> None:
        self._load = load
        self._is_loading = threading.Lock()
        self._known: tuple[float, Value] | None = None

    def get(self) -> Value:
        """Raises what loading raises: what is not known is not guessed."""
        known = self._known
        if known is not None and time.monotonic() - known[0] < SECONDS:
            return known[1]
        if known is None:
            return self._renew()
        if not self._is_loading.acquire(blocking=False):
            return known[1]
        try:
            return self._renew()
        finally:
            self._is_loading.release()

    def forget(self) -> None:
        """After a change in this process; the others notice within SECONDS."""
        self._known = None

    def _renew(self) -> Value:
        begun = time.monotonic()
        value = self._load()
        self._known = begun, value
        return value
