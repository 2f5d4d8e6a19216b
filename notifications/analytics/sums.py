"""From what events count for to rows of the tables. Pure.

Numbers may be negative: what something has counted for until now is taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

from notifications.analytics.classify import COUNTED
from notifications.analytics.clients import Client
from notifications.analytics.reading import Amount, Transfer
from notifications.analytics.tables import (
    DAYS_OF,
    DIGEST_HOURS,
    REPOSITORY_DAYS,
    REPOSITORY_HOURS,
    REPOSITORY_TOTALS,
    SOURCE_DAYS,
    SOURCE_HOURS,
    SOURCE_TRAFFIC_HOURS,
    SOURCES_OF,
    TAG_HOURS,
    TOTALS_OF,
    USE_HOURS,
    WIDE,
    WINDOWED,
    Table,
)

_WIDE = REPOSITORY_HOURS.position
"""Where a number stands in a row of hours; tables that have fewer have the same ones first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOTALS = REPOSITORY_TOTALS.position
_PULLERS = _TOTALS["pullers"]
_PULLERS_OF = {window: _TOTALS[f"pullers_{window}"] for window, names in WINDOWED.items() if "pullers" in names}
_WINDOWED = {
    window: [(WIDE.index(name), _TOTALS[f"{name}_{window}"]) for name in names if name in WIDE]
    for window, names in WINDOWED.items()
}
"""Where the numbers of an hour stand, and where those of a window."""

Key = tuple[Any, ...]


class Rows(dict[Key, list[int]]):
    """By their keys, the numbers in the order of the table's `counts`: nought for what is asked for first."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._width = len(table.counts)

    def __missing__(self, key: Key) -> list[int]:
        found = self[key] = [0] * self._width
        return found

    def add(self, key: Key, numbers: Sequence[int]) -> None:
        """Numbers of a table that has the same ones first."""
        found = self.get(key)
        if found is None:
            self[key] = [*numbers, *repeat(0, self._width - len(numbers))]
        else:
            found[: len(numbers)] = map(add, found, numbers)


class Place(NamedTuple):
    """Which repository, as the tables know it."""

    repository_id: int
    source_id: int
    is_public: bool


class Cell(NamedTuple):
    """The finest thing that is counted of manifests; `hour` is counted since 1970, empty text means absent."""

    place: Place
    hour: int
    action: str
    tag: str
    digest: str
    client: Client
    actor: str


class Sums:
    """What is to be added to each table: first to the hours of repositories, from these `spread` makes the rest."""

    def __init__(self) -> None:
        self._tables: dict[Table, Rows] = {}
        self._places: dict[int, Place] = {}

    def __iter__(self) -> Iterator[tuple[Table, Rows]]:
        return iter(self._tables.items())

    def of(self, table: Table) -> Rows:
        """The rows of a table, to be changed."""
        found = self._tables.get(table)
        if found is None:
            found = self._tables[table] = Rows(table)
        return found

    def add_cell(self, cell: Cell, times: int) -> None:
        """So many requests for manifests, or pushes, that count for the same."""
        column, raw = _column(cell.action, is_counted=cell.client.audience in COUNTED)
        place, moment = cell.place, moment_of(cell.hour)
        if column:
            self.of(REPOSITORY_HOURS)[moment, place.repository_id][_WIDE[column]] += times
        if column and column != "excluded":
            if cell.tag:
                self.of(TAG_HOURS)[moment, place.repository_id, cell.tag][_WIDE[column]] += times
            if cell.digest:
                self.of(DIGEST_HOURS)[moment, place.repository_id, cell.digest][_WIDE[column]] += times
        use = (moment, place.repository_id, cell.action, cell.client.audience, cell.client.family, "", cell.actor)
        self._places[place.repository_id] = place
        self.of(USE_HOURS)[use][_WIDE[raw]] += times

    def add_transfer(self, place: Place, transfer: Transfer, amount: Amount) -> None:
        """What counts for the same whatever stands around it."""
        client = transfer.client
        if transfer.deed == "push":
            cell = Cell(place, transfer.hour, "push", transfer.tag, transfer.digest, client, transfer.actor)
            self.add_cell(cell, amount.times)
            return
        moment = moment_of(transfer.hour)
        if amount.size:
            self.of(REPOSITORY_HOURS)[moment, place.repository_id][_WIDE["bytes"]] += amount.size
        self._places[place.repository_id] = place
        action = "fetch" if transfer.deed == "pull" else transfer.deed
        use = (moment, place.repository_id, action, client.audience, client.family, transfer.platform, "")
        self.of(USE_HOURS).add(use, (amount.times, 0, 0, amount.size))

    def add_pullers(self, place: Place, day: date, number: int, frame: "Frame") -> None:
        """So many clients more, or less, that pulled on that day."""
        totals = self.of(REPOSITORY_TOTALS)[(place.repository_id,)]
        totals[_PULLERS] += number
        for window, start in frame.since.items():
            if window in _PULLERS_OF and day >= start.date():
                totals[_PULLERS_OF[window]] += number
        if day < frame.days_over.date():
            self.of(REPOSITORY_DAYS)[day, place.repository_id][-1] += number
            self.of(SOURCE_DAYS)[day, place.source_id, place.is_public][-1] += number

    def spread(self, frame: "Frame") -> None:
        """Add the hours up by source, for days that are over, for all time, and for the windows.

        A source has a row of each hour in which anything was done: by these the hours are found.
        """
        for part, whole in SOURCES_OF:
            sums, width = self.of(whole), len(whole.keys)
            for (moment, repository_id, *rest), row in self.of(part).items():
                place = self._places[repository_id]
                sums.add((moment, place.source_id, place.is_public, *rest)[:width], row)
        for moment, source_id, is_public, *_ in self.of(SOURCE_TRAFFIC_HOURS):
            self.of(SOURCE_HOURS)[moment, source_id, is_public]  # there from now on
        for hours, days in DAYS_OF.items():
            sums = self.of(days)
            for key, row in self.of(hours).items():
                if key[0] < frame.days_over:
                    sums.add((key[0].date(), *key[1:]), row)
        for hours, totals in TOTALS_OF.items():
            sums = self.of(totals)
            for key, row in self.of(hours).items():
                sums.add(key[1:], row)
        self._add_windows(frame.since)

    def _add_windows(self, since: Mapping[str, datetime]) -> None:
        totals = self.of(REPOSITORY_TOTALS)
        parts_of: dict[datetime, Sequence[tuple[int, int]]] = {}
        for (moment, repository_id), row in self.of(REPOSITORY_HOURS).items():
            parts = parts_of.get(moment)
            if parts is None:
                within = [window for window, start in since.items() if moment >= start]
                parts = parts_of[moment] = [part for window in within for part in _WINDOWED[window]]
            numbers = totals[(repository_id,)]
            for part, whole in parts:
                numbers[whole] += row[part]


class Frame(NamedTuple):
    """Since when each window counts, and before which moment days are over."""

    since: Mapping[str, datetime]
    days_over: datetime


@lru_cache(maxsize=4096)
def moment_of(hour: int) -> datetime:
    """When an hour since 1970 began."""
    return _EPOCH + timedelta(hours=hour)


@lru_cache(maxsize=4096)
def day_of(hour: int) -> date:
    """The day of an hour since 1970."""
    return moment_of(hour).date()


@lru_cache(maxsize=64)
def _column(action: str, *, is_counted: bool) -> tuple[str, str]:
    """Where it is counted as what it is worth, "" for nowhere, and where as what it is."""
    if action == "push":
        return "pushes", "pushes"
    if action == "version_check":
        return ("checks" if is_counted else ""), "checks"
    return ("pulls" if is_counted and action != "referrer" else "excluded"), "pulls"
