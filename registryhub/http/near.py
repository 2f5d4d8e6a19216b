"""Connections that come from this machine: of a proxy in front of the hub, of a client beside it.

To a far peer a large send buffer keeps the line full. To a near one there is no line: what waits in the buffer has left
the processor's cache by the time it is read. With a small one a large blob leaves 1.3 to 1.7 times as fast.

The server keeps its sockets to itself, so that they are found among the open files.
"""

import os
import socket
import stat
from contextlib import suppress

SEND_BUFFER_BYTES = 128 << 10
_MOST_FILES = 1000  # one costs 5 µs


def shorten_send_buffers(port: int) -> None:
    """Of every connection to this port whose both ends are here; of none when very many files are open.

    Nor where the system does not list them: a blob leaves all the same.
    """
    try:
        names = os.listdir("/dev/fd")
    except OSError:
        return
    if len(names) > _MOST_FILES:
        return
    for descriptor in map(int, names):
        with suppress(OSError):  # closed in the meantime, as the one that listed the others
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                _shorten(descriptor, port)


def _shorten(descriptor: int, port: int) -> None:
    """The descriptor is borrowed, and no copy is made of it.

    Meanwhile it may have become that of another file, and closing any copy of SQLite's loses the locks of all.
    """
    borrowed = socket.socket(fileno=descriptor)
    try:
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6):
            return
        here, there = borrowed.getsockname(), borrowed.getpeername()
        if here[1] == port and here[0] == there[0]:
            borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    finally:
        borrowed.detach()
