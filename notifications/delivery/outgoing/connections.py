"""One HTTP/1.1 connection with a deadline over everything that happens on it: look-up aside, connecting, TLS, the
proxy's tunnel, sending and reading. A thin client of our own because each event is one request: `http.client` needs
two to three times as long for it, and has no deadline against an answer that drips.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from notifications.delivery.outgoing.answers import Answer, BadAnswer, Receive, parse_head, read_answer
from notifications.delivery.outgoing.guard import Guard
from notifications.delivery.outgoing.lines import Deadline, Line
from notifications.delivery.outgoing.targets import Target

IDLE_SECONDS = 30.0
"""A connection that rested longer is not used again: something between may have forgotten it."""
AGE_SECONDS = 300.0
"""Nor is one older than this, so that a changed address of the receiver is noticed."""
# A receiver that answers at once is watched for the answer, awake: to sleep and be woken costs more than it takes.
_QUICK_SECONDS = 0.0005
_WATCH_SECONDS = 0.0002
_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What a look-up gives."""


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
        self._line = Line(_open(target, deadline, opening, tls=tls, guard=guard))

    def exchange(self, request: bytes, deadline: Deadline) -> Answer:
        """Send one request and read its answer."""
        line = self._line
        began = time.monotonic()
        self.first_byte_seconds = None
        line.send(request, deadline)
        watch_seconds = _WATCH_SECONDS if self._is_quick else 0.0
        begun = line.receive(deadline, watch_seconds=watch_seconds)
        if begun:
            self.first_byte_seconds = time.monotonic() - began
        answer = read_answer(partial(line.receive, deadline), begun)
        self._used = time.monotonic()
        self._is_quick = self._used - began < _QUICK_SECONDS
        return answer

    def is_usable(self) -> bool:
        """Whether another request may be sent: young, recently used, and the peer has neither closed nor spoken."""
        now = time.monotonic()
        if now - self._used > IDLE_SECONDS or now - self._opened > AGE_SECONDS:
            return False
        return self._line.is_silent()

    def close(self) -> None:
        self._line.close()


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
            line = Line(connection)
            line.send(target.tunnel, deadline)
            _read_tunnel_answer(partial(line.receive, deadline, at_once=1))
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


def _read_tunnel_answer(receive: Receive) -> None:
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
