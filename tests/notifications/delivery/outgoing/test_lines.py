"""Sockets that are sent to and received from until a deadline."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from notifications.delivery.outgoing.lines import Deadline, Line

LONG = bytes(range(256)) * 40_000
"""More than a socket takes at once."""


class CountingSocket(socket.socket):
    """Counts what it is asked for."""

    calls = 0

    def send(self, *arguments: object) -> int:
        self.calls += 1
        return super().send(*arguments)  # type: ignore[arg-type]

    def recv(self, *arguments: object) -> bytes:
        self.calls += 1
        return super().recv(*arguments)  # type: ignore[arg-type]

    def settimeout(self, value: float | None) -> None:
        self.calls += 1
        super().settimeout(value)


@pytest.fixture
def ends() -> Iterator[tuple[CountingSocket, socket.socket]]:
    near, far = socket.socketpair()
    counting = CountingSocket(fileno=near.detach())
    with closing(counting), closing(far):
        yield counting, far


def test_what_can_be_done_at_once_is_one_call_each(ends: tuple[CountingSocket, socket.socket]) -> None:
    """For each request one to send it and one to receive its answer, whatever the deadline."""
    near, far = ends
    line = Line(near)
    near.calls = 0
    for _ in range(10):
        far.send(b"answer")
        line.send(b"request", Deadline(5))
        assert line.receive(Deadline(5)) == b"answer"
    assert near.calls == 20


def test_a_reader_that_is_slower_gets_all_of_it(ends: tuple[CountingSocket, socket.socket]) -> None:
    """What there is no room for waits until there is."""
    near, far = ends
    got = []

    def read() -> None:
        while piece := far.recv(65_536):
            got.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    Line(near).send(LONG, Deadline(20))
    near.shutdown(socket.SHUT_WR)
    reader.join()
    assert b"".join(got) == LONG


def test_whoever_reads_nothing_or_says_nothing_is_waited_for_until_the_deadline(
    ends: tuple[CountingSocket, socket.socket],
) -> None:
    """Awake or asleep."""
    line = Line(ends[0])
    with pytest.raises(TimeoutError):
        line.receive(Deadline(0.05))
    with pytest.raises(TimeoutError):
        line.receive(Deadline(0.05), watch_seconds=0.01)
    with pytest.raises(TimeoutError):
        line.send(LONG, Deadline(0.05))


def test_what_comes_later_is_waited_for(ends: tuple[CountingSocket, socket.socket]) -> None:
    """The end of the stream too."""
    near, far = ends
    line = Line(near)
    for watch_seconds in (0.0, 5.0):
        later = threading.Timer(0.05, far.send, (b"late",))
        later.start()
        assert line.receive(Deadline(5), watch_seconds=watch_seconds) == b"late"
        later.join()
    far.close()
    assert line.receive(Deadline(5)) == b""


def test_silence_is_neither_words_nor_an_end(ends: tuple[CountingSocket, socket.socket]) -> None:
    """Whoever has said something unasked, or has gone, is not silent."""
    near, far = ends
    line = Line(near)
    assert line.is_silent()
    far.send(b"x")
    assert not line.is_silent()
    assert line.is_silent()
    far.close()
    assert not line.is_silent()
