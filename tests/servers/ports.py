"""Free TCP ports."""

import random
import socket

# Below the range from which the kernel takes ports for outgoing connections (32768 and up): a client that keeps
# dialling a server which is just down could otherwise be given that very port, connect to itself and block it.
_FIRST, _LAST = 15_000, 32_000
_dice = random.SystemRandom()  # hypothesis seeds the common one, and would be given the same port again and again


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on. Raises OSError when none is found."""
    for _ in range(200):
        port = _dice.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
