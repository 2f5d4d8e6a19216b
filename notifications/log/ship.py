"""The shipper: takes finished and orphaned journal segments to the intake, one shipper a node.

A segment is removed only after the commit of the row that holds it. Should the shipper die between the two, the
segment is loaded again, and the sequencer knows its events by their ids. While the database is away segments wait
on the disk; they are small, so nothing is lost but time. So they do while the intake holds more of them than the relay
numbers in a moment: the folder shows how far behind the log is, and journals go by that.
"""

import fcntl
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.db import connection, transaction

from notifications.log import intake
from notifications.log.leases import DATABASE_GONE
from notifications.log.segments import SUFFIX, claim_orphan, has_name
from registryhub.access.models import HUB_SOURCE_ID

SHIP_SECONDS = 0.1
STAND_BY_SECONDS = 1.0
MOST_WAITING_BYTES = 3 << 19
JOURNAL = "journal"
DRAIN_SECONDS = 8.0  # the supervisor waits for 10
_MIN_PAUSE_SECONDS = 0.5
_MAX_PAUSE_SECONDS = 5.0
_NAP_SECONDS = 0.1
# A row of the intake is read whole, so what is longer than any segment gets (a foreign file) comes in pieces.
PIECE_BYTES = 4 << 20
# A torn tail is less than a line; what is longer is something else, and is kept for somebody to look at.
LONGEST_LINE_BYTES = 64 << 10

_logger = logging.getLogger(__name__)


class Shipper:
    """Ships one node's journal folder. `run` returns after `stop`, which any thread or signal handler may call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_stopping = False
        self._troubles: set[Path] = set()
        self._shipped: set[Path] = set()  # segments that are in the intake but could not be removed

    def stop(self) -> None:
        self._is_stopping = True

    def run(self) -> None:
        """Ship until stopped, then ship what is left. A second shipper on the same folder stands by."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self._become_the_one(descriptor):
                self._work()
                self._drain()
        finally:
            os.close(descriptor)
            connection.close()

    def ship(self, *, most_waiting: int = MOST_WAITING_BYTES) -> int:
        """Take segments that no living process holds to the intake, while less than `most_waiting` bytes wait there.

        How many were taken. Raises django.db.Error.
        """
        count = 0
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if path in self._shipped:
                continue
            if intake.waiting_bytes(JOURNAL) >= most_waiting:
                break
            try:
                count += self._ship_segment(path)
            except OSError as error:
                if path not in self._troubles:
                    self._troubles.add(path)
                    _logger.error("the journal segment %s cannot be taken and stays: %s", path, error)
        return count

    def _ship_segment(self, path: Path) -> bool:
        descriptor = claim_orphan(path)
        if descriptor is None:
            return False
        with open(descriptor, "rb", buffering=0) as file:
            if not has_name(descriptor, path):
                return False
            if os.fstat(descriptor).st_size:
                with transaction.atomic():
                    for piece in _pieces(file, path):
                        intake.store(source_id=HUB_SOURCE_ID, kind=JOURNAL, raw=piece)
            self._shipped.add(path)
            path.unlink()
            self._shipped.discard(path)
        return True

    def _become_the_one(self, descriptor: int) -> bool:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._is_stopping:
                    return False
                self._nap(STAND_BY_SECONDS)
            else:
                return True

    def _work(self) -> None:
        pause_seconds = 0.0
        while not self._is_stopping:
            try:
                self.ship()
            except DATABASE_GONE as error:
                if not pause_seconds:
                    _logger.warning("the database does not answer, journal segments wait on the disk: %s", error)
                pause_seconds = min(max(2 * pause_seconds, _MIN_PAUSE_SECONDS), _MAX_PAUSE_SECONDS)
                connection.close()
                self._nap(pause_seconds)
            else:
                if pause_seconds:
                    _logger.info("the database answers again")
                pause_seconds = 0.0
                self._nap(SHIP_SECONDS)

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            try:
                self.ship(most_waiting=sys.maxsize)
            except DATABASE_GONE as error:
                connection.close()
                if time.monotonic() >= deadline:
                    _logger.error("journal segments stay in %s until the next start: %s", self._folder, error)
                    return
                time.sleep(_NAP_SECONDS)
            else:
                return

    def _nap(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < deadline:
            time.sleep(_NAP_SECONDS)


def _pieces(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The whole lines of a segment, in pieces; the torn tail of an owner that was killed is cut."""
    rest = b""
    while chunk := file.read(PIECE_BYTES):
        data = rest + chunk
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) > PIECE_BYTES else 0)
        if end:
            yield data[:end]
        rest = data[end:]
    if len(rest) > LONGEST_LINE_BYTES:
        yield rest
    elif rest:
        _logger.info("cut %d bytes of an unfinished line off %s", len(rest), path.name)
