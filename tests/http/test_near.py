"""The send buffers of connections that come from this machine."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from registryhub.http import near
from registryhub.http.near import SEND_BUFFER_BYTES, shorten_send_buffers


class Connection:
    """Both ends of a connection from this machine."""

    def __init__(self, stack: ExitStack, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        self.port: int = listener.getsockname()[1]
        self.client = stack.enter_context(socket.create_connection((host, self.port), timeout=10))
        self.server = stack.enter_context(listener.accept()[0])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def size(end: socket.socket) -> int:
    return end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


@pytest.fixture
def short(stack: ExitStack) -> int:
    """What the system makes of the size that is asked for."""
    end = stack.enter_context(socket.socket())
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return size(end)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_end_of_the_server_is_shortened(stack: ExitStack, short: int, host: str) -> None:
    connection = Connection(stack, host)
    before = size(connection.server)
    shorten_send_buffers(connection.port)
    assert size(connection.server) == short != before


def test_the_other_end_and_connections_to_other_ports_stay(stack: ExitStack) -> None:
    connection, other = Connection(stack), Connection(stack)
    ends = (connection.client, other.client, other.server)
    before = [size(end) for end in ends]
    shorten_send_buffers(connection.port)
    assert [size(end) for end in ends] == before


def test_a_far_peer_keeps_its_buffer(stack: ExitStack) -> None:
    """Whose address is another one than that of this end."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = listener.getsockname()[1]
    client = stack.enter_context(socket.socket())
    client.bind(("127.0.0.2", 0))
    client.connect(("127.0.0.1", port))
    server = stack.enter_context(listener.accept()[0])
    before = size(server)
    shorten_send_buffers(port)
    assert size(server) == before


def test_everything_stays_open(stack: ExitStack) -> None:
    connection = Connection(stack)
    before = sorted(os.listdir("/dev/fd"))
    shorten_send_buffers(connection.port)
    assert sorted(os.listdir("/dev/fd")) == before
    connection.server.sendall(b"hello")
    assert connection.client.recv(5) == b"hello"


def test_among_very_many_files_nothing_is_looked_for(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_MOST_FILES", 3)
    connection = Connection(stack)
    before = size(connection.server)
    shorten_send_buffers(connection.port)
    assert size(connection.server) == before


def test_a_system_that_does_not_list_open_files_is_no_obstacle(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> list[str]:
        raise FileNotFoundError(2, "No such file or directory", path)

    connection = Connection(stack)
    before = size(connection.server)
    monkeypatch.setattr("os.listdir", refuse)
    shorten_send_buffers(connection.port)
    assert size(connection.server) == before
