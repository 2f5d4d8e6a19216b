"""What is too old is removed from the log, from its tail on, in short transactions.

On PostgreSQL a part of the table goes whole. What a part holds besides is removed row by row, as on SQLite, unless
the rest of it is due soon: then all of it waits for that.
"""

import logging
import secrets
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from os import getpid

from django.db import OperationalError, connection
from django.utils import timezone

from notifications.log import leases, partitions
from notifications.log.falling import push_on
from notifications.log.leases import Lease, LeaseLost
from notifications.log.listing import read_head
from notifications.log.models import Event, LogTail
from notifications.log.moments import ROUGHLY, find_moment
from notifications.log.partitions import Partition
from registryhub.config.keeping import EventLog
from registryhub.database.transactions import relaxed_transaction

ROWS_AT_ONCE = 500
_SOON = 0.9
"""What is due after nine tenths of its time is due soon."""

_logger = logging.getLogger(__name__)


def trim(keep: EventLog, is_stopping: Callable[[], bool]) -> None:
    """Remove what need not be kept, unless another process does so right now. May be done again at any time."""
    LogTail.objects.get_or_create(pk=leases.TAIL.key)
    lease = leases.take(leases.TAIL, f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}")
    if lease is None:
        return
    try:
        Trimmer(lease, is_stopping).run(keep)
    except LeaseLost as lost:
        _logger.warning("another process removes old events now: %s", lost)
    finally:
        leases.release(lease)


class Trimmer:
    """The holder of the tail. `tail` is the number removed last."""

    def __init__(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        self.tail = lease.position
        self._lease = lease
        self._is_stopping = is_stopping
        self._lost: dict[str, int] = {}

    def run(self, keep: EventLog) -> None:
        """Raises LeaseLost and django.db.Error; what was removed until then stays so."""
        now = timezone.now()
        due = find_due(keep, self.tail, now)
        try:
            self._remove(due, soon=find_due(_shortened(keep), self.tail, now))
        finally:
            for name, lost in self._lost.items():
                _logger.error(
                    "consumer %s fell behind the log: %d events were removed before it came to them, it goes on after"
                    " event %d; keep events longer (hub.log.keep, hub.log.max_events)",
                    *(name, lost, self.tail),
                )

    def _remove(self, due: int, *, soon: int) -> None:
        for part in partitions.list_partitions():
            if part.end - 1 <= due:
                if self._is_stopping() or not self._drop(part):
                    return
            elif part.start <= due and part.end - 1 <= soon:
                return
        self._remove_rows(due)

    def _drop(self, part: Partition) -> bool:
        try:
            with leases.moving():
                self._move(max(self.tail, part.end - 1))
                partitions.drop(part)
        except OperationalError as error:
            _logger.info("events up to %d are being read and are removed later: %s", part.end - 1, error)
            return False
        self.tail = max(self.tail, part.end - 1)
        return True

    def _remove_rows(self, due: int) -> None:
        while self.tail < due and not self._is_stopping():
            end = min(self.tail + ROWS_AT_ONCE, due)
            with relaxed_transaction():  # what a loss of power brings back is removed again
                self._move(end)
                _delete(self.tail, end)
            self.tail = end

    def _move(self, end: int) -> None:
        leases.move(self._lease, start=self.tail, end=end)
        for name, lost in push_on(end):
            self._lost[name] = self._lost.get(name, 0) + lost


def find_due(keep: EventLog, tail: int, now: datetime) -> int:
    """The number up to which events need not be kept; at least `tail`."""
    head = read_head()
    by_count = head - keep.max_events if keep.max_events else 0
    by_age = _last_before(now - timedelta(seconds=keep.keep_seconds), tail, head) if keep.keep_seconds else 0
    return max(tail, by_count, by_age)


def _last_before(moment: datetime, tail: int, head: int) -> int:
    """The number of the last event before the first one that came in at the moment or later."""
    low = max(tail + 1, find_moment(moment, head))
    near = Event.objects.filter(seq__gte=low, seq__lte=low + ROUGHLY, received_at__gte=moment)
    first = near.order_by("seq").values_list("seq", flat=True).first()
    return min(head, low + ROUGHLY) if first is None else first - 1


def _shortened(keep: EventLog) -> EventLog:
    shorter = {"keep_seconds": keep.keep_seconds * _SOON, "max_events": round(keep.max_events * _SOON)}
    return keep.model_copy(update=shorter)


def _delete(tail: int, end: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM log_event WHERE seq > %s AND seq <= %s", (tail, end))
