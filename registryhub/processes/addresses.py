"""The address to listen on: numeric, and free before anything is started."""

import errno
import socket
import time
from typing import NamedTuple


class Refused(Exception):
    """The address cannot be listened on; the message names it and what to change."""


class Place(NamedTuple):
    """A numeric address to bind."""

    family: socket.AddressFamily
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def resolve(host: str, port: int, *, key: str = "http.addr") -> Place:
    """The address behind a name, IPv4 before IPv6. Raises Refused for a name nobody knows, naming the key to change."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Refused(f"cannot listen on {host}:{port}: {error.strerror}. Change {key}.") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return Place(family, str(address[0]), port)


def check_free(place: Place, *, key: str = "http.addr", patience_seconds: float = 3.0) -> None:
    """Raises Refused when the address cannot be bound; one that is just being left gets a moment of patience.

    It must be asked before the web processes start: they share the port among themselves (SO_REUSEPORT) and would
    share it with a stranger of the same user as well.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            _bind(place)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise Refused(_complaint(place, error, key)) from None
            time.sleep(0.1)
        else:
            return


def _bind(place: Place) -> None:
    with socket.socket(place.family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((place.host, place.port))


def _complaint(place: Place, error: OSError, key: str) -> str:
    mends = {
        errno.EADDRINUSE: f"another program listens there. Stop it, or choose another address with {key}",
        errno.EADDRNOTAVAIL: f"this machine has no such address. Choose one it has with {key}",
        errno.EACCES: f"only root may use ports below 1024. Choose another port with {key}",
    }
    mend = mends.get(error.errno or 0, f"{error.strerror}. Choose another address with {key}")
    variable = f"REGISTRY_{key.upper().replace('.', '_')}"
    return f"cannot listen on {place}: {mend} in the configuration, or in the variable {variable}."
