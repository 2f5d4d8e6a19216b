"""How much came from each source and what became of it, counted in the transactions that move it to the log.

And how its clock goes. An event says when it happened; we know when it came. That it came before it happened can only
be the clock: it is ahead. That it came late can be its clock or its way, so the one that came soonest tells most: it
stands for STANDS_SECONDS, and then the next one does, unless one came sooner in between.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from registryhub.database.bulk import moment_adapter

STANDS_SECONDS = 3600.0

_COLUMNS = (
    *("source_id", "events", "duplicates", "quarantined"),
    *("last_received_at", "last_occurred_at", "offset_seconds", "offset_at"),
)
_IS_SOONER = (
    "excluded.offset_seconds IS NOT NULL AND (tally.offset_seconds IS NULL"
    " OR excluded.offset_seconds >= tally.offset_seconds OR tally.offset_at < %s)"
)


@dataclass(slots=True)
class Counts:
    """Of one source: events put into the log, known ones left out, and those that went to quarantine.

    `last_occurred_at` is the latest time that the events claim; the one that does came in at `last_came_at`.
    """

    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    last_received_at: datetime | None = None
    last_occurred_at: datetime | None = None
    last_came_at: datetime | None = None

    @property
    def offset_seconds(self) -> float | None:
        """How much the soonest of them came before (or, below zero, after) it happened."""
        if self.last_occurred_at is None or self.last_came_at is None:
            return None
        return (self.last_occurred_at - self.last_came_at).total_seconds()

    def add_event(self, occurred_at: datetime, received_at: datetime) -> None:
        """One that is put into the log."""
        self.events += 1
        self.last_received_at = received_at
        if self.last_occurred_at is None or occurred_at > self.last_occurred_at:
            self.last_occurred_at = occurred_at
            self.last_came_at = received_at


def add(counts: Mapping[int, Counts]) -> None:
    """Add to the tallies of the sources, on the caller's transaction."""
    for source_id, each in counts.items():
        _add(source_id, each)


def _add(source_id: int, counts: Counts) -> None:
    adapt: Callable[[datetime], Any] = moment_adapter() or _as_it_is
    came, happened = counts.last_received_at, counts.last_occurred_at
    ends = adapt(came - timedelta(seconds=STANDS_SECONDS)) if came else None
    row = (
        *(source_id, counts.events, counts.duplicates, counts.quarantined),
        *(came and adapt(came), happened and adapt(happened), counts.offset_seconds, came and adapt(came)),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO log_sourcetally AS tally ({', '.join(_COLUMNS)})"  # noqa: S608
            f" VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT (source_id) DO UPDATE SET"
            " events = tally.events + excluded.events, duplicates = tally.duplicates + excluded.duplicates,"
            " quarantined = tally.quarantined + excluded.quarantined,"
            " last_received_at = COALESCE(excluded.last_received_at, tally.last_received_at),"
            " last_occurred_at = COALESCE(excluded.last_occurred_at, tally.last_occurred_at),"
            f" offset_at = CASE WHEN {_IS_SOONER} THEN excluded.offset_at ELSE tally.offset_at END,"
            f" offset_seconds = CASE WHEN {_IS_SOONER} THEN excluded.offset_seconds ELSE tally.offset_seconds END",
            (*row, ends, ends),
        )


def _as_it_is(moment: datetime) -> datetime:
    return moment
