"""What a generated request makes the hub call: this machine, or it fails."""

import socket
from typing import Any

import pytest

from notifications.delivery.outgoing.guard import literal_address


def only_this_machine(patch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that were looked up or dialled elsewhere: refused, and written down in case somebody catches that."""
    refused: list[str] = []

    def checked(host: Any) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if not (literal_address(name) or name).startswith("127."):
            refused.append(name)
            raise OSError(f"a test may call only this machine, not {name}")

    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        checked(host)
        return look_up(host, *arguments, **options)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            checked(address[0])
        connect(self, address)

    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    patch.setattr(socket.socket, "connect", guarded_connect)
    return refused
