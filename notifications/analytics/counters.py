"""The consumer that counts: each event of the log exactly once.

A batch is added up in memory first, then each table gets one statement, inside the transaction that moves the
consumer's position.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings

from notifications.analytics.classify import Counted, classify, happened_at
from notifications.analytics.upsert import Table, add_rows
from notifications.labels import find_rollout, label_key
from notifications.log.consume import BatchConsumer, LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.access.repositories import ensure_repositories

BATCH_SIZE = 500

Key = tuple[Any, ...]

REPOSITORY_TOTALS = Table("analytics_repositorytotals", keys=("repository_id",), has_clocks=True)
REPOSITORY_HOURS = Table("analytics_repositoryhour", keys=("repository_id", "hour"))
REPOSITORY_DAYS = Table("analytics_repositoryday", keys=("repository_id", "day"))
TAG_TOTALS = Table("analytics_tagtotals", keys=("repository_id", "tag"), has_clocks=True)
TAG_HOURS = Table("analytics_taghour", keys=("repository_id", "tag", "hour"))
TAG_DAYS = Table("analytics_tagday", keys=("repository_id", "tag", "day"))


def consumers() -> Sequence[BatchConsumer]:
    """For settings.EVENT_CONSUMERS."""
    return (BatchConsumer("counters", count, BATCH_SIZE),)


class Cell(NamedTuple):
    """The finest thing that is counted; `tag` is "" where the request named none."""

    source_id: int
    repository: str
    tag: str
    hour: datetime
    counted: Counted


@dataclass(slots=True)
class Tally:
    """How often, and when last."""

    times: int
    latest: datetime


def count(events: Sequence[LoggedEvent]) -> None:
    """Add the events to the counters, on the caller's transaction."""
    cells = add_up(events)
    if not cells:
        return
    ids = ensure_repositories({(cell.source_id, cell.repository) for cell in cells})
    sums: dict[Table, dict[Key, Sum]] = {table: {} for table in _TABLES}
    for cell, tally in cells.items():
        for table, key in _places(cell, ids[cell.source_id, cell.repository]):
            found = sums[table].get(key)
            if found is None:
                found = sums[table][key] = Sum()
            found.add(cell.counted, tally)
    for table, rows in sums.items():
        add_rows(table, _rows(table, rows))


def add_up(events: Iterable[LoggedEvent]) -> dict[Cell, Tally]:
    """The events that count for something, by cell."""
    cells: dict[Cell, Tally] = {}
    for event in events:
        counted = classify(event.action, method=event.method, media_type=event.media_type, tag=event.tag)
        if counted is None or is_own_rollout(event):
            continue
        moment = happened_at(event.occurred_at, event.received_at)
        hour = moment.replace(minute=0, second=0, microsecond=0)
        cell = Cell(event.source_id, event.repository, event.tag, hour, counted)
        tally = cells.get(cell)
        if tally is None:
            cells[cell] = Tally(1, moment)
            continue
        tally.times += 1
        tally.latest = max(tally.latest, moment)
    return cells


def is_own_rollout(event: LoggedEvent) -> bool:
    """Whether our own deployer has pulled: that nobody used the image is true then."""
    if event.source_id != HUB_SOURCE_ID or event.action not in ("pull", "check"):
        return False
    key = label_key(settings.SECRET_KEY)
    return find_rollout(key, repository=event.repository, user_agent=event.user_agent) is not None


@dataclass(slots=True)
class Sum:
    """One row to come."""

    pulls: int = 0
    checks: int = 0
    pushes: int = 0
    last_pulled_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_pushed_at: datetime | None = None

    def add(self, counted: Counted, tally: Tally) -> None:
        if counted == "push":
            self.pushes += tally.times
            self.last_pushed_at = _later(self.last_pushed_at, tally.latest)
            return
        self.last_seen_at = _later(self.last_seen_at, tally.latest)
        if counted == "check":
            self.checks += tally.times
            return
        self.pulls += tally.times
        self.last_pulled_at = _later(self.last_pulled_at, tally.latest)


_TABLES = (REPOSITORY_TOTALS, REPOSITORY_HOURS, REPOSITORY_DAYS, TAG_TOTALS, TAG_HOURS, TAG_DAYS)


def _places(cell: Cell, repository_id: int) -> list[tuple[Table, Key]]:
    day = cell.hour.date()
    places: list[tuple[Table, Key]] = [
        (REPOSITORY_TOTALS, (repository_id,)),
        (REPOSITORY_HOURS, (repository_id, cell.hour)),
        (REPOSITORY_DAYS, (repository_id, day)),
    ]
    if cell.tag:
        places += [
            (TAG_TOTALS, (repository_id, cell.tag)),
            (TAG_HOURS, (repository_id, cell.tag, cell.hour)),
            (TAG_DAYS, (repository_id, cell.tag, day)),
        ]
    return places


def _rows(table: Table, sums: dict[Key, Sum]) -> list[Key]:
    """In one order for all: two that count at once must not wait for each other in a circle."""
    rows: list[Key] = []
    for key in sorted(sums):
        found = sums[key]
        row = (*key, found.pulls, found.checks, found.pushes)
        clocks = (found.last_pulled_at, found.last_seen_at, found.last_pushed_at)
        rows.append((*row, *clocks) if table.has_clocks else row)
    return rows


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
