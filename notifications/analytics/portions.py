"""Which days are counted again together: so many that their events are no burden, wherever in the log these are.

Nearly always the events of a day lie side by side. Where they do not, since some came late, more of the log is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from notifications.analytics.classify import FIRST_REGISTRY, MAX_AHEAD, happened_at
from notifications.analytics.live import moment_of
from notifications.analytics.sessions import WINDOW_SECONDS
from notifications.analytics.spans import midnight
from notifications.log.consume import LoggedEvent

EVENTS_TOGETHER = 100_000
"""While they take the place of the old ones nobody counts, and on SQLite nobody writes: for a second or two."""
BLOCK = 20_000
"""So many events side by side are known by the first and the last moment of them."""
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
MARGIN = timedelta(seconds=2 * WINDOW_SECONDS)
_ROUGHLY = MAX_AHEAD + MARGIN
"""So far off may be what the database takes for the moment of an event: SQLite compares whole seconds."""

_BLOCKS = """
SELECT MIN(seq), MAX(seq), MIN(moment), MAX(moment) FROM (
SELECT seq, CASE WHEN occurred_at >= %s AND occurred_at <= {latest} THEN occurred_at ELSE received_at END AS moment
FROM log_event WHERE seq > %s AND seq <= %s
) AS events GROUP BY seq / %s ORDER BY 1
"""
_LATEST = {
    "postgresql": f"received_at + interval '{MAX_AHEAD.total_seconds():.0f} seconds'",
    "sqlite": f"datetime(received_at, '{MAX_AHEAD.total_seconds():+.0f} seconds')",
}


@dataclass(frozen=True, slots=True)
class Days:
    """From the first to the last, both included; None where there is no bound."""

    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def concerned(self, events: Iterable[LoggedEvent]) -> list[LoggedEvent]:
        """Those of these days, and what belongs together with them."""
        begin, end = self.bounds(MARGIN)
        return [event for event in events if begin <= happened_at(event.occurred_at, event.received_at) < end]

    def bounds(self, margin: timedelta = timedelta(0)) -> tuple[datetime, datetime]:
        """From when to before when, and so much more at both ends."""
        begin = EVER if self.first is None else midnight(self.first) - margin
        return begin, NEVER if self.last is None else midnight(self.last) + timedelta(days=1) + margin


class Stretch(NamedTuple):
    """Of the log: the events after one number, up to another."""

    after: int
    last: int


@dataclass(frozen=True, slots=True)
class Portion:
    """Days that are counted together, and where all of their events are."""

    days: Days
    stretches: Sequence[Stretch]


class _Block(NamedTuple):
    """Events side by side in the log, and when the first and the last of them happened."""

    first_seq: int
    last_seq: int
    first: datetime
    last: datetime


def portion(wanted: Days, log: Stretch) -> Iterator[Portion]:
    """All the wanted days. One query, which reads that part of the log once."""
    blocks = _read_blocks(log)
    first = wanted.first
    for last in _ends(_weigh(blocks, wanted)):
        yield _gather(Days(first, last), blocks)
        first = last + timedelta(days=1)
    yield _gather(Days(first, wanted.last), blocks)


def _read_blocks(log: Stretch) -> Sequence[_Block]:
    first = connection.ops.adapt_datetimefield_value(FIRST_REGISTRY)
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS.format(latest=_LATEST[connection.vendor]), (first, *log, BLOCK))
        return [_Block(low, high, moment_of(begin), moment_of(end)) for low, high, begin, end in cursor.fetchall()]


def _weigh(blocks: Sequence[_Block], wanted: Days) -> Mapping[date, float]:
    """How many events each day has, as if each block had as many of each of its days."""
    found: dict[date, float] = defaultdict(float)
    for block in blocks:
        days = [block.first.date() + timedelta(days=each) for each in range((block.last - block.first).days + 2)]
        for day in days:
            if day in wanted:
                found[day] += (block.last_seq - block.first_seq + 1) / len(days)
    return found


def _ends(weights: Mapping[date, float]) -> Iterator[date]:
    """The last day of each portion, but for the last one."""
    together = 0.0
    days = sorted(weights)
    for day, following in pairwise(days):
        together += weights[day]
        if together + weights[following] > EVENTS_TOGETHER:
            yield day
            together = 0.0


def _gather(days: Days, blocks: Sequence[_Block]) -> Portion:
    begin, end = days.bounds(_ROUGHLY)
    stretches: list[Stretch] = []
    for block in blocks:
        if block.last < begin or block.first >= end:
            continue
        if stretches and stretches[-1].last == block.first_seq - 1:
            stretches[-1] = stretches[-1]._replace(last=block.last_seq)
        else:
            stretches.append(Stretch(block.first_seq - 1, block.last_seq))
    return Portion(days, stretches)
