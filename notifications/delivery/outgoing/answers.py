"""Reading the answer to an HTTP/1.1 request: its status, the first bytes of its body, and whether the connection
may carry another request. Everything is bounded; nothing of the answer is believed further than needed.

Pure over a function that receives some bytes. The status decides whether an event counts as delivered, so once it
is there, a body that is cut, endless or broken only costs the connection.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

KEPT_BYTES = 8 * 1024
"""How much of a body is kept."""
READ_BYTES = 64 * 1024
"""How much of a body is read to save the connection; a longer one is left unread."""
HEAD_BYTES = 64 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?(?:\n|\Z)")
_HEADER = re.compile(
    rb"^(content-length|transfer-encoding|connection):[ \t]*(.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)
_RETRY_AFTER = re.compile(rb"^retry-after:[ \t]*([ -~]{1,100}?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?")

Receive = Callable[[], bytes]
"""Blocks for some bytes, b"" at the end of the stream. Raises OSError (TimeoutError among them)."""


class BadAnswer(Exception):
    """What came is not HTTP."""


class NoAnswer(Exception):
    """The connection ended before the first byte of an answer: closed while idle, as far as one can tell."""


class Answer(NamedTuple):
    """`body` is cut to KEPT_BYTES; `retry_after` is the header as it came, empty without one; `head` is as it came."""

    status: int
    body: bytes
    is_reusable: bool
    retry_after: str = ""
    head: bytes = b""


class Head(NamedTuple):
    """`length` is None for a body that goes on to the end of the stream."""

    status: int
    length: int | None
    is_chunked: bool
    keeps_alive: bool
    retry_after: str


def read_answer(receive: Receive, begun: bytes = b"") -> Answer:
    """The final answer; interim ones (1xx) are passed over. `begun` is what has been received of it already.

    Raises BadAnswer, NoAnswer and what `receive` raises.
    """
    stream = _Stream(receive, begun)
    raw = stream.head()
    head = parse_head(raw)
    while head.status < 200 and head.status != 101:
        raw = stream.head()
        head = parse_head(raw)
    body, is_whole = stream.chunks() if head.is_chunked else stream.body(head.length)
    return Answer(head.status, body, is_whole and head.keeps_alive and not stream.buffer, head.retry_after, raw)


@lru_cache(maxsize=64)
def parse_head(head: bytes) -> Head:
    """Raises BadAnswer. Cached because answers of one receiver are alike but for the second in their Date."""
    status_line = _STATUS_LINE.match(head)
    if status_line is None:
        raise BadAnswer("what came is no HTTP/1 answer")
    status = int(status_line[2])
    values: dict[bytes, set[bytes]] = {b"content-length": set(), b"transfer-encoding": set(), b"connection": set()}
    for name, value in _HEADER.findall(head, status_line.end()):
        values[name.lower()].update(word.strip() for word in value.lower().split(b","))
    is_chunked = bool(values[b"transfer-encoding"])
    options = values[b"connection"]
    keeps_alive = b"close" not in options and (status_line[1] == b"1" or b"keep-alive" in options)
    asked = _RETRY_AFTER.search(head, status_line.end())
    retry_after = asked[1].decode() if asked else ""
    if status < 200 or status in (204, 304):
        return Head(status, 0, False, keeps_alive and status != 101, retry_after)
    return Head(status, _length(values[b"content-length"]), is_chunked, keeps_alive, retry_after)


def _length(values: set[bytes]) -> int | None:
    value = values.pop() if len(values) == 1 else b""
    return int(value) if value.isdigit() and len(value) < 19 else None


class _Stream:
    """What has been received and not yet read."""

    def __init__(self, receive: Receive, begun: bytes) -> None:
        self._receive = receive
        self.buffer = begun

    def head(self) -> bytes:
        """Up to the blank line, without it."""
        while (end := _END_OF_HEAD.search(self.buffer)) is None:
            if len(self.buffer) > HEAD_BYTES:
                raise BadAnswer(f"the head of the answer is longer than {HEAD_BYTES} bytes")
            if not self._more():
                if self.buffer:
                    raise BadAnswer("the connection ended within the head of the answer")
                raise NoAnswer("the connection was closed before an answer")
        head, self.buffer = self.buffer[: end.start()], self.buffer[end.end() :]
        return head

    def body(self, length: int | None) -> tuple[bytes, bool]:
        """The first bytes of a body, and whether it is read whole."""
        wanted = READ_BYTES if length is None else min(length, READ_BYTES)
        is_open = True
        while len(self.buffer) < wanted and is_open:
            is_open = self._more_or_end()
        kept = self.buffer[: min(wanted, KEPT_BYTES)]
        is_whole = length is not None and len(self.buffer) >= length
        self.buffer = self.buffer[wanted:]
        return kept, is_whole

    def chunks(self) -> tuple[bytes, bool]:
        """The same for a body in chunks, its trailer included."""
        kept = b""
        total = 0
        while (size := self._chunk_size()) is not None and total <= READ_BYTES:
            if size == 0:
                return kept, self._skip_trailer()
            total += size
            chunk, is_whole = self.body(size)
            kept = (kept + chunk)[:KEPT_BYTES]
            if not is_whole or self._line() != b"":
                break
        return kept, False

    def _chunk_size(self) -> int | None:
        match = _CHUNK_SIZE.fullmatch(self._line() or b"")
        return int(match[1], 16) if match else None

    def _skip_trailer(self) -> bool:
        for _ in range(100):
            line = self._line()
            if not line:
                return line is not None
        return False

    def _line(self) -> bytes | None:
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > HEAD_BYTES or not self._more_or_end():
                return None
        line, self.buffer = self.buffer[:end].removesuffix(b"\r"), self.buffer[end + 1 :]
        return line

    def _more(self) -> bool:
        received = self._receive()
        self.buffer += received
        return bool(received)

    def _more_or_end(self) -> bool:
        """What fails within a body ends it: the status has been said."""
        try:
            return self._more()
        except OSError:
            return False
