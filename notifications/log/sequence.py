"""The sequencer: raw intake rows become numbered events, in the order in which they arrived.

A plain auto-increment would not do: on PostgreSQL rows become visible out of order, and a cursor that has seen
number 7 would step over number 6. Here one leader at a time gives the numbers 1, 2, 3 … and moves the head of the
log in the very transaction that writes the events, remembers their ids and forgets the intake rows.

Parsing and deduping happen outside the transaction: on SQLite it holds up every other writer. An event that the
database refuses is found by halving its batch, and goes to quarantine alone.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.db import DataError, IntegrityError, NotSupportedError, connection, transaction
from django.db.models import Max

from notifications import events
from notifications.log import leases, partitions, seen, tallies
from notifications.log.consume import LoggedEvent
from notifications.log.leases import Lease
from notifications.log.models import Event, Intake, LogHead, QuarantinedEvent
from notifications.log.pending import PendingRow, load_pending
from notifications.log.readers import ReadEvent, Reading, Unreadable
from notifications.log.tallies import Counts
from registryhub.database.bulk import Values, insert_rows, moment_adapter

SQLITE_BATCH = 512
POSTGRES_BATCH = 4096
_BATCH_BYTES = 8 << 20
_FEW = 64

_MAX_REASON = 2000
_KEPT = events.Event._fields.index("from_repository") + 1

WIRE_EVENT = "event"
"""The kind by which an event that could be read may come again, whatever it came in."""

# What says that a row cannot be stored, and not that the database is away.
_REFUSALS = (DataError, IntegrityError, NotSupportedError, ValueError, TypeError, OverflowError)

_logger = logging.getLogger(__name__)


class _Entry(NamedTuple):
    row: PendingRow
    reading: Reading


class _Batch(NamedTuple):
    events: list[LoggedEvent]
    quarantined: list[QuarantinedEvent]
    counts: dict[int, Counts]


class Sequencer:
    """The holder of the head of the log. Whatever exception it raises, throw it away and take the lead anew.

    A connection that breaks during COMMIT leaves unknown whether it took place: the next Sequencer starts from what
    the database says. `had_few` is whether the last step took all there was, and that was not much.
    """

    def __init__(self, lease: Lease, *, begun_id: int, done: int) -> None:
        self.lease = lease
        self.head = lease.position
        self._begun_id = begun_id
        self._done = done
        self._rows: deque[PendingRow] = deque()
        self.had_few = False
        self._room = partitions.make_room(self.head)
        self._batch_size = POSTGRES_BATCH if connection.vendor == "postgresql" else SQLITE_BATCH

    def step(self) -> list[LoggedEvent] | None:
        """Move one batch from the intake to the log; its new events, or None when the intake is empty.

        Raises LeaseLost when another leads, and django.db.Error when the database does not answer.
        """
        if not self._rows:
            self._rows.extend(load_pending(begun_id=self._begun_id, done=self._done))
        if not self._rows:
            return None
        entries = self._take()
        moved = self._settle(entries)
        self.had_few = not self._rows and len(entries) < _FEW
        return moved

    def _take(self) -> list[_Entry]:
        entries: list[_Entry] = []
        total = 0
        for row in self._rows:
            for reading in row.left:
                if entries and (len(entries) >= self._batch_size or total + len(reading.raw) > _BATCH_BYTES):
                    return entries
                entries.append(_Entry(row, reading))
                total += len(reading.raw)
        return entries

    def _settle(self, entries: list[_Entry]) -> list[LoggedEvent]:
        try:
            return self._write(entries)
        except _REFUSALS as refusal:
            if not entries:
                raise
            if len(entries) == 1:
                return self._write([_refused(entries[0], refusal)])
        middle = len(entries) // 2
        return self._settle(entries[:middle]) + self._settle(entries[middle:])

    def _write(self, entries: list[_Entry]) -> list[LoggedEvent]:
        """Move the oldest entries; all of them or, when anything is raised, none."""
        batch = self._number(entries)
        event_rows, seen_rows = _event_rows(batch.events), seen.seen_rows(batch.events)
        finished, rest = self._progress(len(entries))
        end = self.head + len(batch.events)
        if self._room is not None and self._room - end < partitions.SPARE:
            self._room = partitions.make_room(end)
        with leases.moving():
            leases.move(self.lease, start=self.head, end=end, also=self._begun(len(finished), rest))
            insert_rows("log_event", LoggedEvent._fields, event_rows)
            insert_rows("log_seenevent", seen.COLUMNS, seen_rows)
            QuarantinedEvent.objects.bulk_create(batch.quarantined)
            tallies.add(batch.counts)
            Intake.objects.filter(pk__in=finished).delete()
        self.head = end
        self._forget(len(finished), rest)
        if batch.quarantined:
            _logger.warning("%d events went to quarantine: %s", len(batch.quarantined), batch.quarantined[0].reason)
        return batch.events

    def _number(self, entries: list[_Entry]) -> _Batch:
        known = seen.find_seen(
            (row.source_id, reading.event.id) for row, reading in entries if isinstance(reading, ReadEvent)
        )
        cutoffs = seen.read_cutoffs()
        batch = _Batch([], [], defaultdict(Counts))
        for row, reading in entries:
            source_id = row.source_id
            counts = batch.counts[source_id]
            if isinstance(reading, ReadEvent) and (source_id, reading.event.id) in known:
                counts.duplicates += 1
                continue
            accepted = _in_time(reading, cutoffs.get(source_id)) if cutoffs else reading
            if isinstance(accepted, Unreadable):
                counts.quarantined += 1
                batch.quarantined.append(_quarantined(row, accepted))
                continue
            event = accepted.event
            counts.add_event(event.timestamp, row.received_at)
            known.add((source_id, event.id))
            batch.events.append(_logged(self.head + len(batch.events) + 1, row, accepted))
        return batch

    def _progress(self, count: int) -> tuple[list[int], int]:
        """The ids of the rows that the oldest `count` readings finish, and how many belong to the row after them."""
        finished: list[int] = []
        for row in self._rows:
            if len(row.left) > count:
                break
            finished.append(row.id)
            count -= len(row.left)
        return finished, count

    def _begun(self, finished: int, rest: int) -> dict[str, int]:
        if rest == 0:
            return {"intake_id": 0, "intake_done": 0}
        row = self._rows[finished]
        return {"intake_id": row.id, "intake_done": row.done + rest}

    def _forget(self, finished: int, rest: int) -> None:
        for _ in range(finished):
            self._rows.popleft()
        if rest:
            self._rows[0].advance(rest)


def lead(holder: str) -> Sequencer | None:
    """Become the one who numbers events; None while another process is."""
    LogHead.objects.get_or_create(pk=leases.HEAD.key)
    lease = leases.take(leases.HEAD, holder)
    if lease is None:
        return None
    last = Event.objects.aggregate(last=Max("seq"))["last"] or 0
    if last > lease.position:  # restored by hand from two backups: never give a number twice
        _logger.error("the log reaches to %d, but its head says %d: going on from %d", last, lease.position, last)
        with transaction.atomic():
            leases.move(lease, start=lease.position, end=last)
        lease = replace(lease, position=last)
    head = LogHead.objects.get(pk=leases.HEAD.key)
    return Sequencer(lease, begun_id=head.intake_id, done=head.intake_done)


def _in_time(reading: Reading, cutoff: datetime | None) -> Reading:
    """The reading, or why it is too late for it."""
    if cutoff is None or isinstance(reading, Unreadable) or reading.event.timestamp >= cutoff:
        return reading
    reason = (
        f"late: it is of {reading.event.timestamp:%Y-%m-%dT%H:%M:%SZ}, and ids of this source are remembered since"
        f" {cutoff:%Y-%m-%dT%H:%M:%SZ}: nobody can tell whether it has been counted (hub.log.seen)"
    )
    return Unreadable(_whole(reading), reason, WIRE_EVENT)


def _logged(seq: int, row: PendingRow, reading: ReadEvent) -> LoggedEvent:
    """The columns from the action on stand in the log as in the event: to name each one took a third of the time."""
    id_, timestamp, *kept = reading.event[:_KEPT]
    raw, facts = reading.raw.decode(), reading.facts.decode()
    return LoggedEvent._make((seq, row.source_id, id_, timestamp, row.received_at, *kept, raw, facts))


def _event_rows(logged: list[LoggedEvent]) -> Sequence[Values]:
    stored = moment_adapter()
    if stored is None:
        return logged
    received = {moment: stored(moment) for moment in {event.received_at for event in logged}}
    return [(*event[:3], stored(event[3]), received[event[4]], *event[5:]) for event in logged]


def _refused(entry: _Entry, refusal: Exception) -> _Entry:
    reading, reason = entry.reading, f"the database refused it: {refusal}"
    if isinstance(reading, Unreadable):
        return entry._replace(reading=reading._replace(reason=reason))
    return entry._replace(reading=Unreadable(_whole(reading), reason, WIRE_EVENT))


def _whole(reading: ReadEvent) -> bytes:
    """With what is known besides, as WIRE_EVENT reads it."""
    return b"\n".join((reading.raw, reading.facts)) if reading.facts else reading.raw


def _quarantined(row: PendingRow, reading: Unreadable) -> QuarantinedEvent:
    """A reason may quote what cannot be stored, so it is made storable."""
    reason = reading.reason[:_MAX_REASON].encode(errors="backslashreplace").decode().replace("\0", "\\0")
    kind = reading.kind or row.kind
    return QuarantinedEvent(
        source_id=row.source_id, kind=kind, raw=reading.raw, reason=reason, received_at=row.received_at
    )
