"""One HTTP/1.1 connection with a deadline over everything that happens on it: look-up aside, connecting, TLS, the
proxy's tunnel, sending and reading. A thin client of our own because each event is one request: `http.client` needs
two to three times as long for it, and has no deadline against an answer that drips.
"""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from notifications.delivery.outgoing.answers import Answer, BadAnswer, Receive, parse_head, read_answer
from notifications.delivery.outgoing.guard import Guard
from notifications.delivery.outgoing.targets import Target

IDLE_SECONDS = 30.0
"""A connection that rested longer is not used again: something between may have forgotten it."""
AGE_SECONDS = 300.0
"""Nor is one older than this, so that a changed address of the receiver is noticed."""
_CHUNK = 64 * 1024
# A receiver that answers at once is watched for the answer, awake: to sleep and be woken costs more than it takes.
_QUICK_SECONDS = 0.0005
_WATCH_SECONDS = 0.0002
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError)
_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What a look-up gives."""


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


@dataclass(slots=True)
class Opening:
    """How long the parts of opening a connection took; None is what has not come to pass."""

    look_up_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None


class Connection:
    """An open connection. Raises OSError (TimeoutError, ssl.SSLError among them), BadAnswer and NoAnswer.

    `first_byte_seconds` is how long the last request waited for the first byte of its answer; None when none came.
    """

    def __init__(
        self, target: Target, deadline: Deadline, opening: Opening, *, tls: ssl.SSLContext | None, guard: Guard
    ) -> None:
        self.first_byte_seconds: float | None = None
        self._opened = self._used = time.monotonic()
        self._is_quick = False
        self._socket = _open(target, deadline, opening, tls=tls, guard=guard)

    def exchange(self, request: bytes, deadline: Deadline) -> Answer:
        """Send one request and read its answer."""
        began = time.monotonic()
        self.first_byte_seconds = None
        _send(self._socket, request, deadline)
        receive = _watcher(self._socket, deadline) if self._is_quick else _receiver(self._socket, deadline)
        begun = receive()
        if begun:
            self.first_byte_seconds = time.monotonic() - began
        answer = read_answer(receive, begun)
        self._used = time.monotonic()
        self._is_quick = self._used - began < _QUICK_SECONDS
        return answer

    def is_usable(self) -> bool:
        """Whether another request may be sent: young, recently used, and the peer has neither closed nor spoken."""
        now = time.monotonic()
        if now - self._used > IDLE_SECONDS or now - self._opened > AGE_SECONDS:
            return False
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except _NOTHING_YET:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._socket.close()


def _open(
    target: Target, deadline: Deadline, opening: Opening, *, tls: ssl.SSLContext | None, guard: Guard
) -> socket.socket:
    """With a proxy, its tunnel is a part of connecting."""
    began = time.monotonic()
    found = socket.getaddrinfo(target.dial.host, target.dial.port, type=socket.SOCK_STREAM)
    looked_up = time.monotonic()
    opening.look_up_seconds = looked_up - began
    connection = _dial(found, deadline, guard)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tunnel is not None:
            _send(connection, target.tunnel, deadline)
            _read_tunnel_answer(_receiver(connection, deadline, at_once=1))
        connected = time.monotonic()
        opening.connect_seconds = connected - looked_up
        if tls is None:
            return connection
        connection.settimeout(deadline.left_seconds())
        wrapped = tls.wrap_socket(connection, server_hostname=target.tls_host)
        opening.tls_seconds = time.monotonic() - connected
        return wrapped
    except BaseException:
        connection.close()
        raise


def _dial(found: Sequence[_Found], deadline: Deadline, guard: Guard) -> socket.socket:
    """The first address that may be dialled and answers; each gets its share of the time."""
    addresses = [each for each in found if guard(str(each[4][0]))]
    error: OSError = OSError("the name has no address")
    if found and not addresses:
        error = OSError(f"{found[0][4][0]} is an address within; allow it with hub.outgoing.allow in the configuration")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.left_seconds() / (len(addresses) - number))
            connection.connect(address)
        except OSError as failure:
            connection.close()
            error = failure
        else:
            return connection
    raise error


def _send(connection: socket.socket, data: bytes, deadline: Deadline) -> None:
    view = memoryview(data)
    while view:
        connection.settimeout(deadline.left_seconds())
        view = view[connection.send(view) :]


def _receiver(connection: socket.socket, deadline: Deadline, *, at_once: int = _CHUNK) -> Receive:
    def receive() -> bytes:
        connection.settimeout(deadline.left_seconds())
        return connection.recv(at_once)

    return receive


def _watcher(connection: socket.socket, deadline: Deadline) -> Receive:
    """A receiver that stays awake for a moment before it sleeps."""
    sleeping = _receiver(connection, deadline)

    def receive() -> bytes:
        until = time.monotonic() + _WATCH_SECONDS
        connection.settimeout(0)
        while time.monotonic() < until:
            try:
                return connection.recv(_CHUNK)
            except _NOTHING_YET:
                continue
        return sleeping()

    return receive


def _read_tunnel_answer(receive: Callable[[], bytes]) -> None:
    """Byte by byte, since what follows the blank line is TLS already."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = receive()
        if not byte or len(head) > 8192:
            raise BadAnswer("the proxy did not answer CONNECT")
        head += byte
    status = parse_head(head.removesuffix(b"\r\n\r\n")).status
    if not 200 <= status < 300:
        raise BadAnswer(f"the proxy answered {status} to CONNECT")
