"""Free TCP ports."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

# Below the range from which the kernel takes ports for outgoing connections (32768 and up): a client that keeps
# dialling a server which is just down could otherwise be given that very port, connect to itself and block it.
_FIRST, _LAST = 15_000, 32_000
_dice = random.SystemRandom()  # hypothesis seeds the common one, and would be given the same port again and again


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that no other run of the tests is given while this process lives.

    Raises OSError when none is found.
    """
    for _ in range(200):
        port = _dice.randint(_FIRST, _LAST)
        if not _reserve(port):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def _reserve(port: int) -> bool:
    """Whether the port is ours: a server that is down for a moment comes back to it, so the probe is not enough.

    The lock is one byte of a file that all runs share; the kernel takes it back when this process ends.
    """
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations() -> int:
    path = Path(tempfile.gettempdir(), f"registryhub-test-ports-{os.geteuid()}")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
