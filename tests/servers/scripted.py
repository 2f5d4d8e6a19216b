"""HTTP/1.1 answers by script, straight on asyncio's transports: never slower than what it measures."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: a status and more, silence for ever (`hang`), or a torn connection (`reset`)."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay_seconds: float = 0.0
    hang: bool = False
    reset: bool = False

    def encode(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status, headers=(("Location", location),))


Ask = Callable[[str, str, bytes, bytes], Answer]
"""What to answer to a method, path, raw head and body."""


class _Protocol(asyncio.Protocol):
    """One connection. Requests are read with Content-Length or chunked bodies and answered one after the other."""

    def __init__(self, answer: Ask) -> None:
        self._answer = answer
        self._read = bytearray()
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        self._answer_all()

    def _answer_all(self) -> None:
        while not self._is_waiting and (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end])
            found = _find_body(head, self._read, end + 4)
            if found is None:
                return
            body, after = found
            del self._read[:after]
            method, path, _ = head[: head.index(b"\r\n")].decode("latin-1").split(" ", 2)
            self._reply(self._answer(method, path, head, body))

    def _reply(self, answer: Answer) -> None:
        if answer.reset:
            self._tear()
        elif answer.hang:
            self._is_waiting = True
        elif answer.delay_seconds:
            self._is_waiting = True
            asyncio.get_running_loop().call_later(answer.delay_seconds, self._reply_late, answer)
        else:
            self._transport.write(answer.encode())

    def _reply_late(self, answer: Answer) -> None:
        self._is_waiting = False
        self._transport.write(answer.encode())
        self._answer_all()

    def _tear(self) -> None:
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._transport.abort()


def _find_body(head: bytes, data: bytearray, start: int) -> tuple[bytes, int] | None:
    """The body that starts there and where it ends; None when more must come."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return _find_chunks(data, start)
    at = lower.find(b"\r\ncontent-length:")
    length = int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return (bytes(data[start : start + length]), start + length) if len(data) >= start + length else None


def _find_chunks(data: bytearray, start: int) -> tuple[bytes, int] | None:
    body = b""
    while (line_end := data.find(b"\r\n", start)) >= 0:
        size = int(bytes(data[start:line_end]).split(b";")[0], 16)
        chunk_end = line_end + 2 + size
        if len(data) < chunk_end + 2:
            return None
        body += data[line_end + 2 : chunk_end]
        start = chunk_end + 2
        if size == 0:
            return body, start
    return None


async def listen(
    port: int,
    answer: Ask,
    stopped: asyncio.Event,
    on_start: Callable[[], None],
) -> None:
    """Serve on the port of 127.0.0.1 until `stopped`, then cut all connections. Raises OSError for a taken port."""
    connections: set[asyncio.Transport] = set()

    class Tracked(_Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.add(self._transport)

        def connection_lost(self, error: Exception | None) -> None:
            connections.discard(self._transport)

    server = await asyncio.get_running_loop().create_server(lambda: Tracked(answer), "127.0.0.1", port, backlog=1024)
    on_start()
    await stopped.wait()
    server.close()
    for connection in tuple(connections):
        connection.abort()
    await asyncio.sleep(0)
