"""The consumer that counts: each event of the log exactly once.

A batch is added up in memory first, then each table gets one statement, inside the transaction that moves the
consumer's position. What a request for a manifest counts for depends on its neighbours: these are looked up, judged
with and without the news, and the difference is added. So the counters are what the set of events says, in whatever
order it came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from notifications.analytics import pullers, windows
from notifications.analytics.reading import Batch, Clocks, Name, Thing, read
from notifications.analytics.sums import Frame, Key, Place, Rows, Sums
from notifications.analytics.tables import DIGEST_TOTALS, REPOSITORY_TOTALS, TAG_TOTALS, Table
from notifications.analytics.upsert import Row, add_rows
from notifications.analytics.visits import compare
from notifications.log.consume import BatchConsumer, LoggedEvent
from registryhub.access.repositories import ensure_repositories

NAME = "counters"
SQLITE_BATCH = 1024
POSTGRES_BATCH = 4096
"""What a batch costs is by the tables, and by what is different in it, not by the event: half a turn, or all of it."""

_NO_CLOCKS = Clocks()

Places = Mapping[Name, Place]


def consumers() -> Sequence[BatchConsumer]:
    """For settings.EVENT_CONSUMERS."""
    size = POSTGRES_BATCH if connection.vendor == "postgresql" else SQLITE_BATCH
    return (BatchConsumer(NAME, add, size, read),)


def count(events: Sequence[LoggedEvent], read_frame: Callable[[], Frame] = windows.move_on) -> None:
    """Add the events to the counters, on the caller's transaction.

    `read_frame` says since when windows count, and which days are over.
    """
    add(read(events), read_frame)


def add(batch: Batch, read_frame: Callable[[], Frame] = windows.move_on) -> None:
    """Add what has been read of events."""
    if not batch.names:
        return
    places = _find_places(batch.names)
    sums = Sums()
    for transfer, amount in batch.transfers.items():
        sums.add_transfer(places[transfer.name], transfer, amount)
    difference = compare(batch.visits, places, batch.clocks)
    for cell, times in difference.cells.items():
        if times:
            sums.add_cell(cell, times)
    frame = read_frame()
    place_of = {place.repository_id: place for place in places.values()}
    for repository_id, day, number in pullers.add(difference.pulls):
        sums.add_pullers(place_of[repository_id], day, number, frame)
    sums.spread(frame)
    _write(sums, _clocks_by_key(batch.clocks, places))


def _find_places(names: Iterable[Name]) -> Places:
    return {name: Place(known.id, name[0], known.is_public) for name, known in ensure_repositories(names).items()}


def _clocks_by_key(clocks: Mapping[Thing, Clocks], places: Places) -> dict[Table, dict[Key, Clocks]]:
    found: dict[Table, dict[Key, Clocks]] = {REPOSITORY_TOTALS: {}, TAG_TOTALS: {}, DIGEST_TOTALS: {}}
    for thing, latest in clocks.items():
        id_ = places[thing.name].repository_id
        if thing.tag:
            found[TAG_TOTALS][id_, thing.tag] = latest
        elif thing.digest:
            found[DIGEST_TOTALS][id_, thing.digest] = latest
        else:
            found[REPOSITORY_TOTALS][(id_,)] = latest
    return found


def _write(sums: Sums, clocks: Mapping[Table, Mapping[Key, Clocks]]) -> None:
    for table, latest in clocks.items():
        rows = sums.of(table)
        for key in latest.keys() - rows.keys():
            rows[key] = [0] * len(table.counts)
    for table, rows in sums:
        add_rows(table, _ordered(rows, clocks.get(table)))


def _ordered(rows: Rows, clocks: Mapping[Key, Clocks] | None) -> list[Row]:
    """In one order for all: two that write at once must not wait for each other in a circle."""
    keys: list[Any] = sorted(rows)
    if clocks is None:
        return [(*key, *rows[key]) for key in keys]
    return [(*key, *rows[key], *_moments(clocks.get(key, _NO_CLOCKS))) for key in keys]


def _moments(clocks: Clocks) -> Row:
    return clocks.pulled, clocks.seen, clocks.pushed
