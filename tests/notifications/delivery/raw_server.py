"""A TCP server that does to each connection what the test says: for receivers that break every rule."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Play = Callable[[socket.socket], None]


class RawServer:
    """`plays`: what to do with the first, second … connection; the last one stays. A connection ends with its play."""

    def __init__(self, *plays: Play, tls: ssl.SSLContext | None = None) -> None:
        self._plays = plays
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.connections = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Stop listening and cut all connections."""
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                play = self._plays[min(self.connections, len(self._plays) - 1)]
                self.connections += 1
                self._start(self._play, play, connection)

    def _play(self, play: Play, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            play(connection)
        connection.close()


def read_request(connection: socket.socket) -> bytes:
    """One request with its body. Raises ConnectionError when the client is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
    while len(body) < length:
        body += _receive(connection)
    return head + b"\r\n\r\n" + body


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError
    return received


def answer(*parts: bytes, requests: int = 1_000_000) -> Play:
    """Answer so many requests with the parts, then close."""

    def play(connection: socket.socket) -> None:
        for _ in range(requests):
            read_request(connection)
            for part in parts:
                connection.sendall(part)

    return play


def reset(connection: socket.socket) -> None:
    """Tear the connection after the request."""
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang(connection: socket.socket) -> None:
    """Read and never answer, until the client gives up."""
    with suppress(ConnectionError):
        while True:
            _receive(connection)


def drip(data: bytes, pause: threading.Event) -> Play:
    """Answer byte by byte, a byte each 20 ms, until the client gives up or `pause` is set."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        for number in range(len(data)):
            connection.sendall(data[number : number + 1])
            if pause.wait(0.02):
                return

    return play
