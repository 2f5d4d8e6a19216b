"""A cheap HTTP/1.1 client for load: a raw socket, one kept connection, prepared requests.

`http.client` costs several times as much a request, and whoever makes the load shares the processor with what is
measured. It knows Content-Length and chunked answers, nothing else.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

_CHUNK = 1 << 20


class WireError(OSError):
    """The connection broke before the whole answer had come; whether the request had its effect is unknown."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection to 127.0.0.1, opened when it is needed and again after an error."""

    def __init__(self, port: int, *, timeout_seconds: float = 60.0, headers: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._common = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._socket: socket.socket | None = None
        self._read = b""

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Send and read the whole answer. Raises WireError."""
        self._send(self._head(method, target, headers, len(body)) + body)
        return self._reply(has_body=method != "HEAD")

    def send_file(self, method: str, target: str, file: BinaryIO, size: int, headers: Mapping[str, str]) -> Reply:
        """Send `size` bytes of the file without copying them. Raises WireError."""
        try:
            connection = self._connect()
            connection.sendall(self._head(method, target, headers, size))
            if connection.sendfile(file, 0, size) != size:
                raise WireError("the file ended early")
        except OSError as error:
            raise self._broken(error) from error
        return self._reply()

    def discard(self, target: str, headers: Mapping[str, str] | None = None) -> int:
        """GET, read the body as a client does but keep nothing, and return its length. Raises WireError."""
        self._send(self._head("GET", target, headers, 0))
        try:
            status, _, length = self._read_head()
            if status != 200 or length is None:
                raise WireError(f"GET {target} was answered {status}, length {length}")
            left = length - len(self._read)
            self._read = b""
            buffer = bytearray(_CHUNK)
            while left > 0:
                count = self._connect().recv_into(buffer, min(left, _CHUNK))
                if count == 0:
                    raise WireError(f"GET {target} ended {left} bytes early")
                left -= count
        except OSError as error:
            raise self._broken(error) from error
        return length

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._read = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _head(self, method: str, target: str, headers: Mapping[str, str] | None, length: int) -> bytes:
        lines = [f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n", self._common]
        lines += [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
        if length or method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {length}\r\n")
        return "".join([*lines, "\r\n"]).encode("latin-1")

    def _connect(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout_seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._read = b""
        return self._socket

    def _send(self, data: bytes) -> None:
        try:
            self._connect().sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    def _reply(self, *, has_body: bool = True) -> Reply:
        try:
            status, headers, length = self._read_head()
            body = b""
            if has_body and status not in (204, 304):
                body = self._read_chunks() if length is None else self._read_exactly(length)
        except (OSError, ValueError) as error:
            raise self._broken(error) from error
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, body)

    def _read_head(self) -> tuple[int, dict[str, str], int | None]:
        """Status, headers and the length of the body; None means chunked. 100 Continue is skipped."""
        while True:
            head = self._read_to(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(head[0].split(" ", 2)[1])
            if status >= 200:
                break
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, headers, None
        return status, headers, int(headers.get("content-length", 0))

    def _read_to(self, end: bytes) -> bytes:
        while (at := self._read.find(end)) < 0:
            self._receive()
        found, self._read = self._read[:at], self._read[at + len(end) :]
        return found

    def _read_exactly(self, length: int) -> bytes:
        while len(self._read) < length:
            self._receive()
        found, self._read = self._read[:length], self._read[length:]
        return found

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self._read_to(b"\r\n").split(b";")[0], 16):
            body += self._read_exactly(size)
            self._read_exactly(2)
        self._read_to(b"\r\n")
        return body

    def _receive(self) -> None:
        data = self._connect().recv(_CHUNK)
        if not data:
            raise WireError("the server closed the connection")
        self._read += data

    def _broken(self, error: Exception) -> WireError:
        self.close()
        return error if isinstance(error, WireError) else WireError(str(error))
