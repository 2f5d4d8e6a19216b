"""A receiver that misbehaves on purpose: to see what a schedule of retries, alerts and dead letters is worth.

It listens on this machine, in threads of its own, and does to every request what its mode says.
"""

import socket
import socketserver
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import BinaryIO, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SLOW_SECONDS = 30.0
"""How long the mode `slow` takes to answer: longer than the timeouts of most endpoints."""
RETRY_AFTER_SECONDS = 5
_HUGE_CHUNKS = 1024
_CHUNK = b"x" * 65_536
_EXPIRED = datetime(2001, 1, 1, tzinfo=UTC)

Behaviour = Callable[[socket.socket], None]
Tell = Callable[[str], None]


class _Hangup(Exception):
    """The connection is to be closed."""


class ChaosEndpoint:
    """A context manager; `mode` is a name of MODES and may be changed while it runs. `tell` gets a line a request.

    The mode `tls` is chosen at the start and stays: the whole port speaks TLS, with a certificate that has expired, for
    another host, of an authority that nobody knows.
    """

    def __init__(self, mode: str, *, port: int = 0, tell: Tell = lambda line: None) -> None:
        self.mode = mode
        self.requests = 0
        self._tell = tell
        self._tls = _wrong_tls() if mode == "tls" else None
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), self._converse)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _converse(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (size := _read_request(stream)) is not None:
                    self.requests += 1
                    self._tell(f"{datetime.now(UTC):%H:%M:%S.%f} request {self.requests} of {size} bytes: {self.mode}")
                    self._behave(connection)
        except (OSError, ValueError, _Hangup) as end:
            if isinstance(end, ssl.SSLError):
                self._tell(f"{datetime.now(UTC):%H:%M:%S.%f} the sender ended the handshake: {end.reason}")

    def _behave(self, connection: socket.socket) -> None:
        if self.mode == "slow":
            self._closing.wait(SLOW_SECONDS)
        MODES[self.mode](connection)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], converse: Behaviour) -> None:
        self._converse = converse
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._converse(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that has gone is no error here."""


def _read_request(stream: BinaryIO) -> int | None:
    """Read one request and forget it; the size of its body, None at the end of the connection. Raises ValueError."""
    if not stream.readline(65_536).strip():
        return None
    size = 0
    while line := stream.readline(65_536).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    left = size
    while left and (read := len(stream.read(min(left, len(_CHUNK))))):
        left -= read
    return size


def _answer(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return lambda connection: connection.sendall(head.encode() + b"\r\n\r\n" + body)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise _Hangup


def _half(connection: socket.socket) -> None:
    """A refusal whose body is cut, since a success needs no body to be one."""
    connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\nhalf of")
    raise _Hangup


def _huge(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n" % (_HUGE_CHUNKS * len(_CHUNK))
    )
    for _ in range(_HUGE_CHUNKS):
        connection.sendall(_CHUNK)


MODES: Mapping[str, Behaviour] = {
    "ok": _answer("200 OK"),
    "slow": _answer("200 OK"),
    "500": _answer("500 Internal Server Error", body=b"chaos"),
    "429": _answer("429 Too Many Requests", f"Retry-After: {RETRY_AFTER_SECONDS}"),
    "410": _answer("410 Gone"),
    "redirect": _answer("302 Found", "Location: /elsewhere"),
    "reset": _reset,
    "half": _half,
    "huge": _huge,
    "tls": _answer("200 OK"),
}
"""What becomes of a request, by name."""


def _wrong_tls() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chaos.invalid")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(_EXPIRED - timedelta(days=1)).not_valid_after(_EXPIRED)
    certificate = builder.sign(key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context
