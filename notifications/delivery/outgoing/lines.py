"""A socket that is sent to and received from until a deadline, with as few calls to the system as it takes.

It never blocks in a call: what can be done at once is one call, and only what cannot is waited for. A blocking socket
with a timeout asks before each call whether it may be made, and is told each new timeout by one more.
"""

import select
import socket
import ssl
import time

_CHUNK = 64 * 1024
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError)
_NO_ROOM_YET = (BlockingIOError, ssl.SSLWantWriteError)


class Deadline:
    """Until when an exchange must be over, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left_seconds(self) -> float:
        """Raises TimeoutError when nothing is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Line:
    """Takes over an open socket, with TLS or without. Raises OSError, TimeoutError and ssl.SSLError among them."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self._socket = connection
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(connection, select.POLLIN)
        self._writable.register(connection, select.POLLOUT)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """All of it."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except _NO_ROOM_YET:
                _wait(self._writable, deadline)
            except ssl.SSLWantReadError:
                _wait(self._readable, deadline)

    def receive(self, deadline: Deadline, *, at_once: int = _CHUNK, watch_seconds: float = 0.0) -> bytes:
        """Some bytes, so many at most; b"" at the end of the stream. Stays awake for so long before it sleeps."""
        while True:
            deadline.left_seconds()
            try:
                return self._socket.recv(at_once)
            except _NOTHING_YET:
                if not (watch_seconds and _watch(self._readable, watch_seconds)):
                    _wait(self._readable, deadline)
            except ssl.SSLWantWriteError:
                _wait(self._writable, deadline)

    def is_silent(self) -> bool:
        """Whether the other side has neither closed nor sent anything. What TLS says to itself is nothing."""
        if not self._readable.poll(0):
            return True
        try:
            self._socket.recv(1)
        except _NOTHING_YET:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._socket.close()


def _wait(ready: select.poll, deadline: Deadline) -> None:
    """Asleep. Whoever comes back too early asks again."""
    ready.poll(deadline.left_seconds() * 1000)


def _watch(ready: select.poll, seconds: float) -> bool:
    """Awake; whether it came to pass."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready.poll(0):
            return True
    return False
