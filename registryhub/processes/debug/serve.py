"""The debug server: one process a node, plain HTTP, a thread a request, on its own address."""

import logging
import signal
import socket
from socketserver import ThreadingMixIn
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from registryhub.config.model import Config
from registryhub.processes.addresses import Place, Refused, check_free, resolve
from registryhub.processes.debug.app import build_app

DEBUG_KEY = "http.debug.addr"
_REQUEST_SECONDS = 10.0
_REST_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Quiet(WSGIRequestHandler):
    """Logs no requests, and leaves a client that does not finish its own."""

    timeout = _REQUEST_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        logger.debug(format, *args)


class Server(ThreadingMixIn, WSGIServer):
    """Its threads do not keep it from ending."""

    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        """As the base class, but without asking the name service who this machine is, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


def open_server(config: Config, place: Place) -> Server:
    """Listening on the address; port 0 is a free one."""
    kind = type("Server", (Server,), {"address_family": place.family})
    server: Server = kind((place.host, place.port), Quiet)
    server.set_app(build_app(config))
    return server


def serve(config: Config) -> None:
    """Serve until SIGTERM. Raises Refused when there is no address, or it cannot be listened on."""
    if config.http.debug.listen is None:
        raise Refused(f"the debug server has no address: set {DEBUG_KEY}, such as 127.0.0.1:5001")
    place = resolve(*config.http.debug.listen, key=DEBUG_KEY)
    check_free(place, key=DEBUG_KEY)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with open_server(config, place) as server:
        server.serve_forever(_REST_SECONDS)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
