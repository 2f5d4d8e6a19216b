"""Reading answers: whole and in pieces, of servers that behave and of those that do not."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.outgoing.answers import (
    HEAD_BYTES,
    KEPT_BYTES,
    READ_BYTES,
    Answer,
    BadAnswer,
    NoAnswer,
    Receive,
    read_answer,
)


def pieces(*parts: bytes | type[OSError]) -> Receive:
    """A connection that gives these parts, then ends; an exception type among them is raised."""
    waiting = list(parts)

    def receive() -> bytes:
        part = waiting.pop(0) if waiting else b""
        if isinstance(part, bytes):
            return part
        raise part

    return receive


def read(*parts: bytes | type[OSError]) -> Answer:
    """Without its head, which is kept as it came."""
    return read_answer(pieces(*parts))._replace(head=b"")


WHOLE: list[tuple[bytes, Answer]] = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Answer(200, b"hi", True)),
    (b"HTTP/1.1 202 \r\ncontent-length:0\r\n\r\n", Answer(202, b"", True)),
    (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, b"", True)),
    (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", Answer(200, b"hi", True)),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", Answer(200, b"hi", False)),
    (b"HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\nContent-Length: 0\r\n\r\n", Answer(200, b"", False)),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Answer(200, b"hi", False)),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", Answer(200, b"hi", True)),
    (b"HTTP/1.1 500 Oh\r\n\r\nto the end", Answer(500, b"to the end", False)),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n0\r\n\r\n",
        Answer(200, b"hi ho", True),
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\nT: v\r\n\r\n",
        Answer(200, b"x", True),
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Answer(200, b"", True)),
    (b"HTTP/1.1 429 X\r\nretry-AFTER:  7 \r\nContent-Length: 0\r\n\r\n", Answer(429, b"", True, "7")),
    (
        b"HTTP/1.1 503 X\r\nRetry-After: Tue, 24 Nov 2026 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
        Answer(503, b"", True, "Tue, 24 Nov 2026 12:00:00 GMT"),
    ),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Answer(101, b"", False)),
]


@pytest.mark.parametrize(("sent", "expected"), WHOLE)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_answer_is_read_whole_in_whatever_pieces_it_comes(sent: bytes, expected: Answer, size: int) -> None:
    """Byte by byte, in small pieces and at once give the same."""
    assert read(*(sent[start : start + size] for start in range(0, len(sent), size))) == expected


CUT: list[tuple[Iterable[bytes | type[OSError]], Answer]] = [
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], Answer(200, b"half", False)),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ConnectionResetError], Answer(200, b"half", False)),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", TimeoutError], Answer(200, b"", False)),
    ([b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha"], Answer(503, b"ha", False)),
    ([b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"], Answer(503, b"", False)),
    ([b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n"], Answer(503, b"hi", False)),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: v"], Answer(200, b"", False)),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"], Answer(200, b"x", False)),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"], Answer(200, b"xy", False)),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx and more"], Answer(200, b"x", False)),
]


@pytest.mark.parametrize(("parts", "expected"), CUT)
def test_once_the_status_is_said_a_broken_body_costs_only_the_connection(
    parts: Iterable[bytes | type[OSError]], expected: Answer
) -> None:
    """The status stands; the connection is not used again."""
    assert read(*parts) == expected


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (2 * HEAD_BYTES),
    ],
)
def test_what_is_no_http_is_no_answer(sent: bytes) -> None:
    """Another protocol, a head that is cut, a head without end."""
    with pytest.raises(BadAnswer):
        read(*(sent[start : start + 4096] for start in range(0, len(sent), 4096)))


def test_a_connection_that_ends_before_the_first_byte_is_told_apart() -> None:
    """So that a request over a connection that died while idle can be repeated."""
    with pytest.raises(NoAnswer):
        read()


def test_an_endless_body_is_left_unread() -> None:
    """Only so much is read, and less is kept, whatever the length that was announced."""
    received = 0

    def receive() -> bytes:
        nonlocal received
        received += 4096
        return b"x" * 4096

    for head in (
        b"HTTP/1.1 500 No\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    ):
        received, heads = 0, [head]
        answer = read_answer(lambda heads=heads: heads.pop() if heads else receive())  # type: ignore[misc]
        assert answer == Answer(500, b"x" * KEPT_BYTES, False, head=head.partition(b"\r\n\r\n")[0])
        assert received <= READ_BYTES + 8192


def test_endless_small_chunks_are_left_unread() -> None:
    """The sum counts, not the size of one chunk."""
    heads = [b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"]
    answer = read_answer(lambda: heads.pop() if heads else b"10\r\n0123456789abcdef\r\n" * 100)
    assert (answer.status, len(answer.body), answer.is_reusable) == (500, KEPT_BYTES, False)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_no_bytes_break_the_reader(parts: list[bytes]) -> None:
    """Whatever comes after a status line: an answer, or one of the two complaints."""
    try:
        answer = read(b"HTTP/1.1 200 OK\r\n", *(part for part in parts if part))
    except (BadAnswer, NoAnswer):
        return
    assert answer.status >= 100
    assert len(answer.body) <= KEPT_BYTES
