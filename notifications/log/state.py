"""How the log is doing: how much waits where, and who holds which place. Nothing here counts a large table."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from notifications.log import quarantine
from notifications.log.listing import read_head, read_tail
from notifications.log.models import Consumer, Event, Intake, LogHead, SourceTally
from notifications.log.segments import SUFFIX

MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class JournalState:
    """Segments of this node that are not in the intake yet, those under way included."""

    segments: int
    bytes: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """Where a consumer is; `lag` is the number of events behind the head, `lost` of those removed before it came."""

    name: str
    position: int
    lag: int
    oldest_pending_seconds: float | None
    holder: str
    expires_at: datetime | None
    lost: int
    lost_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What became of all that came from a source since it was made.

    What claims a time before `remembered_since` is refused as late; None when nothing is. `offset_seconds` is how far
    its clock is ahead.
    """

    name: str
    events: int
    duplicates: int
    quarantined: int
    remembered_since: datetime | None
    last_received_at: datetime | None = None
    offset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LogState:
    """`intake` counts rows, `quarantined` events that nobody decided about; both stop at MAX_COUNTED.

    `missing` is how many numbers were given to no event of any source: always 0, or the log is not complete.
    """

    head: int
    tail: int
    intake: int
    quarantined: int
    journal: JournalState
    consumers: Sequence[ConsumerState]
    sources: Sequence[SourceState]
    missing: int


def read_state() -> LogState:
    """A few small queries, however many consumers are behind, and however far.

    In the order in which an event moves on, so that one that moves meanwhile is seen: twice rather than never.
    """
    journal = read_journal_state(settings.DATA_DIR / "journal")
    intake = _count(Intake.objects.all())
    head, sources = _read_arrived()
    now = timezone.now()
    return LogState(
        head=head,
        tail=read_tail(),
        intake=intake,
        quarantined=_count(quarantine.waiting()),
        journal=journal,
        consumers=[_consumer_state(consumer, head, now) for consumer in _read_consumers()],
        sources=sources,
        missing=head - sum(source.events for source in sources),
    )


def read_journal_state(folder: Path) -> JournalState:
    """Segments may vanish while one looks; empty ones wait for nothing."""
    found: list[os.stat_result] = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            found.append(path.stat())
        except FileNotFoundError:
            continue
    found = [each for each in found if each.st_size]
    oldest = max((time.time() - each.st_mtime for each in found), default=None)
    return JournalState(
        segments=len(found),
        bytes=sum(each.st_size for each in found),
        oldest_seconds=None if oldest is None else max(0.0, oldest),
    )


def _read_arrived() -> tuple[int, list[SourceState]]:
    """The head and the tallies, both of the same moment: the sequencer moves them together."""
    head = LogHead.objects.filter(pk=1).values("position")
    tallies = SourceTally.objects.select_related("source").order_by("source__name").annotate(head=Subquery(head))
    found = [(tally.head or 0, _source_state(tally)) for tally in tallies]
    return found[0][0] if found else read_head(), [state for _, state in found]


def _source_state(tally: SourceTally) -> SourceState:
    return SourceState(
        name=tally.source.name,
        events=tally.events,
        duplicates=tally.duplicates,
        quarantined=tally.quarantined,
        remembered_since=tally.forgotten_to,
        last_received_at=tally.last_received_at,
        offset_seconds=tally.offset_seconds,
    )


def _count(rows: QuerySet) -> int:
    return rows.order_by()[:MAX_COUNTED].count()


def _read_consumers() -> QuerySet[Consumer, Any]:
    """Each with when the first event came in that it has not dealt with."""
    pending = Event.objects.filter(seq__gt=OuterRef("position")).order_by("seq").values("received_at")
    return Consumer.objects.order_by("name").annotate(oldest=Subquery(pending[:1]))


def _consumer_state(consumer: Any, head: int, now: datetime) -> ConsumerState:
    return ConsumerState(
        name=consumer.name,
        position=consumer.position,
        lag=max(0, head - consumer.position),
        oldest_pending_seconds=_age_seconds(consumer.oldest, now) if consumer.position < head else None,
        holder=consumer.holder,
        expires_at=consumer.expires_at,
        lost=consumer.lost,
        lost_at=consumer.lost_at,
    )


def _age_seconds(received_at: datetime | None, now: datetime) -> float | None:
    return None if received_at is None else max(0.0, (now - received_at) / timedelta(seconds=1))
