"""On SQLite: what was written is taken from the write-ahead log to the database, while nobody waits for it.

Left to itself SQLite does it within some commit, with the write lock held: perhaps in that of a push. A page that was
written many times is taken once, so it is let wait a little.

A thread of its own does it: that leaves the interpreter to others and holds up no writer. But the write-ahead log
starts over only when all of it was taken and nobody has written since, and a relay that has much to do writes all the
time. So once it is long, the relay itself takes the little that is left, between two of its transactions.
"""

import logging
import threading
from typing import NamedTuple

from django.db import Error, connection

from notifications.log.runners import Pause

CHECKPOINT_SECONDS = 0.5
LONG_PAGES = 12_000
"""In CHECKPOINT_SECONDS it may grow by as much again, and should stay below `wal_autocheckpoint` in the settings."""
_STOP_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class _Taken(NamedTuple):
    """How many pages the write-ahead log has, and how many of them are still to be taken."""

    pages: int
    left: int


class Checkpoints:
    """The thread that makes them; it starts when it is first needed. All methods belong to the relay's main thread."""

    def __init__(self) -> None:
        self._is_needed = False
        self._is_long = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Something was written. To be called between two transactions."""
        if connection.vendor != "sqlite":
            return
        self._is_needed = True
        if self._is_long:
            taken = _take()
            self._is_long = taken is not None and 0 < taken.left < LONG_PAGES  # more: somebody reads for long
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread. One that the disk holds up ends with the process, which harms no database."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        pause = Pause()
        seconds = CHECKPOINT_SECONDS
        try:
            while not self._stopping.wait(seconds):
                seconds = CHECKPOINT_SECONDS
                if not self._is_needed:
                    continue
                self._is_needed = False
                taken = _take()
                if taken is None:
                    self._is_needed = True
                    seconds = pause.begin()
                else:
                    self._is_long = taken.pages > LONG_PAGES
                    pause.reset()
        finally:
            connection.close()


def _take() -> _Taken | None:
    """Take what can be taken without waiting for anybody; None when that failed, which loses nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
            _, pages, taken = cursor.fetchone()
    except Error as error:
        _logger.warning("the write-ahead log of SQLite stays long for now: %s", error)
        connection.close()
        return None
    return _Taken(pages, pages - taken)
