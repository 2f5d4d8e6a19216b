"""Signals and readable descriptors as one thing to wait for."""

import selectors
import signal
import socket
from collections.abc import Collection
from types import FrameType, TracebackType
from typing import Self

WATCHED = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Inbox:
    """While it is open, the watched signals no longer interrupt anything: they arrive through `wait`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._reading, self._writing = socket.socketpair()

    def __enter__(self) -> Self:
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self._selector.register(self._reading, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in WATCHED:
            signal.signal(number, _ignore)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._reading.close()
        self._writing.close()

    def watch(self, descriptor: int) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ)

    def unwatch(self, descriptor: int) -> None:
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def wait(self, timeout_seconds: float | None) -> tuple[Collection[int], Collection[int]]:
        """The signals that came and the watched descriptors that have something to read."""
        readable = {int(key.fd) for key, _ in self._selector.select(timeout_seconds)}
        numbers: set[int] = set()
        if self._reading.fileno() in readable:
            readable.discard(self._reading.fileno())
            numbers.update(self._reading.recv(4096))
        return numbers, readable


def _ignore(number: int, frame: FrameType | None) -> None:
    """A handler must be there for the number to be written to the socket."""
