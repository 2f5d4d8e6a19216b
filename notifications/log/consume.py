"""Consumers: readers of the log, each at its own position.

settings.EVENT_CONSUMERS names callables that return them; the relay asks again every few seconds. A consumer's row
is made when its name is first seen.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from notifications.log import leases, places
from notifications.log.leases import Lease, LeaseLost
from notifications.log.models import Event
from registryhub.database.lookups import Lookup, Row
from registryhub.database.transactions import release_connection

__all__ = [
    "BatchConsumer",
    "Feed",
    "Head",
    "LeaseLost",
    "LoggedEvent",
    "Span",
    "StreamConsumer",
    "open_feed",
    "read_changes",
    "read_events",
    "read_without_raw",
]


class LoggedEvent(NamedTuple):
    """An event with its number. Times are aware UTC, `size` is in bytes, empty text means absent.

    `facts` is what this hub knows besides, for `notifications.facts.parse`.
    """

    seq: int
    source_id: int
    event_id: str
    occurred_at: datetime
    received_at: datetime
    action: str
    repository: str
    tag: str
    digest: str
    media_type: str
    size: int
    actor: str
    address: str
    user_agent: str
    method: str
    from_repository: str
    raw: str
    facts: str = ""


class Span(NamedTuple):
    """What a part of the log holds of what was asked for; all up to `end` has been looked at."""

    events: list[LoggedEvent]
    end: int


_COLUMNS = ", ".join(LoggedEvent._fields)
_PLAIN = tuple(name for name in LoggedEvent._fields if name != "raw")
_AFTER = Lookup("log_events_after", f"SELECT {_COLUMNS} FROM log_event WHERE seq > %s ORDER BY seq LIMIT %s")  # noqa: S608
# The condition is that of the index event_changes, word by word: so both databases know that it serves.
_CHANGES = Lookup(
    "log_changes_between",
    f"SELECT {_COLUMNS} FROM log_event WHERE (action = 'push' OR action = 'mount' OR action = 'delete')"  # noqa: S608
    " AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
)


def read_events(position: int, limit: int) -> list[LoggedEvent]:
    """The next events after a position, in order of their numbers."""
    return _events(_AFTER.all(position, limit))


def read_changes(start: int, end: int, limit: int) -> Span:
    """The next pushes, mounts and deletes after `start`, up to `end`: among millions of pulls they cost no more."""
    events = _events(_CHANGES.all(start, end, limit))
    return Span(events, events[-1].seq if len(events) == limit else end)


def read_without_raw(events: QuerySet[Event]) -> list[LoggedEvent]:
    """The events of a query, without their JSON: for whoever only looks at what they say."""
    rows = events.values_list(*_PLAIN)
    return [LoggedEvent._make((*row[:-1], "", row[-1])) for row in rows]


def _events(rows: list[Row]) -> list[LoggedEvent]:
    if connection.vendor == "sqlite":
        return [_from_sqlite(row) for row in rows]
    return [LoggedEvent._make(row) for row in rows]


def _from_sqlite(row: Row) -> LoggedEvent:
    return LoggedEvent._make((*row[:3], _aware(row[3]), _aware(row[4]), *row[5:]))


def _aware(value: str | datetime) -> datetime:
    """SQLite has no times: Django keeps text in UTC. Inside a transaction its own connection makes times of it."""
    if isinstance(value, str):
        return datetime.fromisoformat(f"{value}+00:00")  # a fourth of what replacing the zone takes
    return value.replace(tzinfo=UTC)


def _as_they_are(events: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
    return events


@dataclass(frozen=True, slots=True)
class BatchConsumer:
    """A consumer whose effect is rows in this database: exactly once.

    The relay gives up to `batch_size` events to `read`, and what comes of them to `handle`, inside the transaction
    that moves the position. `handle` must be quick (on SQLite it holds up every other writer) and must not swallow
    database errors.
    """

    name: str
    handle: Callable[[Any], None]
    batch_size: int = 500
    read: Callable[[Sequence[LoggedEvent]], Any] = _as_they_are


@dataclass(frozen=True, slots=True)
class StreamConsumer:
    """A consumer that works with the outside: at least once, in a thread of its own.

    `run(feed)` reads and moves until `feed.stopping`; when it returns it is started again later, when it raises it
    is logged and started again after a pause. A new one starts at the head of the log, or with the oldest event in it.
    One that runs by another `revision` is stopped, and started again by this one.
    """

    name: str
    run: Callable[["Feed"], None]
    start_at_head: bool = False
    revision: int = 0


class Head:
    """How far the log reaches, as far as this process knows; wakes those who wait for more. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._position = 0

    @property
    def position(self) -> int:
        return self._position

    def reach(self, position: int) -> None:
        with self._changed:
            if position > self._position:
                self._position = position
                self._changed.notify_all()

    def wake(self) -> None:
        """Let everyone who waits look around: someone was asked to stop."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Until `is_over()`, at most so long; returns the last answer."""
        with self._changed:
            return self._changed.wait_for(is_over, timeout=seconds)


class Feed:
    """A stream consumer's view of the log: read after the position, then move it with what came of it."""

    def __init__(self, lease: Lease, head: Head) -> None:
        self.lease = lease
        self._head = head
        self._stop = False
        self.position = lease.position

    @property
    def stopping(self) -> bool:
        """True when the relay shuts down, the consumer vanished, or another process holds the place now.

        And at the end of a replay: started again it goes on where it was before.
        """
        return self._stop or self.position == self.lease.until

    def stop(self) -> None:
        self._stop = True
        self._head.wake()

    def read(self, limit: int, *, after: int | None = None) -> list[LoggedEvent]:
        """Up to `limit` events after the position, or after one that is further on; empty at the head. Moves nothing.

        Gives the thread's database connection back: what follows usually waits for the network.
        """
        events = read_events(self.position if after is None else after, limit)
        release_connection()
        until = self.lease.until
        return events if until is None else [event for event in events if event.seq <= until]

    def read_changes(self, limit: int) -> Span:
        """Up to `limit` pushes, mounts and deletes after the position, and how far the log was looked at for them.

        Moves nothing: who is done with the events moves to the end of the span, past all that is no change.
        """
        end = max(self.position, self._head.position)
        span = read_changes(self.position, end if self.lease.until is None else min(end, self.lease.until), limit)
        release_connection()
        return span

    def pause(self, seconds: float) -> None:
        """Sleep, whatever comes into the log, unless a stop is asked."""
        release_connection()
        self._head.wait(lambda: self._stop, seconds)

    def reaches_beyond(self, position: int) -> bool:
        """Whether the log is known to have more after this position."""
        return self._head.position > position

    def wait(self, seconds: float, *, beyond: int | None = None) -> bool:
        """Sleep until the log may reach beyond the position, a stop is asked, or the seconds are over.

        `beyond` is a position further on, up to which the caller has read. True means that there may be more to read.
        """
        release_connection()
        position = self.position if beyond is None else beyond
        self._head.wait(lambda: self._stop or self.reaches_beyond(position), seconds)
        return self.reaches_beyond(position)

    def move(self, position: int) -> None:
        """Move the position on the caller's transaction, together with the rows that say what was done.

        Once a transaction; `self.position` follows when it commits. Raises LeaseLost, which must roll it back, and
        TransactionManagementError outside a transaction.
        """
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError("Feed.move belongs inside transaction.atomic()")
        leases.move(self.lease, start=self.position, end=position)
        transaction.on_commit(lambda: self._moved(position))

    def _moved(self, position: int) -> None:
        self.position = position


def open_feed(consumer: StreamConsumer, *, holder: str, head: Head) -> Feed | None:
    """Take a stream consumer's place and open its feed; None when another process holds it."""
    lease = places.take_consumer(consumer.name, holder=holder, start_at_head=consumer.start_at_head)
    return Feed(lease, head) if lease else None
