"""Hearing of a stop without handling the signal: for what runs under somebody else's handlers."""

import signal
import socket
import threading
from collections.abc import Callable


def when_told_to_stop(act: Callable[[], None]) -> None:
    """Call `act`, in a thread of its own, when this process is told to stop, whoever handles the signal.

    Only a main thread may ask for that, once a process.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(reading, writing, act), name="told to stop", daemon=True).start()


def _listen(reading: socket.socket, writing: socket.socket, act: Callable[[], None]) -> None:
    """Until the process ends; both ends must live as long."""
    with reading, writing:
        while numbers := reading.recv(64):
            if {signal.SIGTERM, signal.SIGINT} & {*numbers}:
                act()
