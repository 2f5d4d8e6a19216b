"""Who may move a place in the log: a lease row with a holder, an epoch and an expiry by the database's clock.

Every move says at which epoch and from which position. Whoever takes the place raises the epoch, so a holder that
was only slow finds its next move refused and rolls it back. A clock that jumps costs time, never correctness: a
lease that runs out early is taken by another, and one that lasts longer than any lease can counts as run out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from registryhub.database.transactions import relaxed_transaction

LEASE_SECONDS = 5.0
DATABASE_GONE = (OperationalError, InterfaceError)  # wait, and start from what it says then
_NOTHING: Mapping[str, int] = MappingProxyType({})


class LeaseLost(Exception):
    """Another process holds this place now, or someone has rewound it: roll back, and take it anew or stop."""


@dataclass(frozen=True, slots=True)
class Place:
    """The row of a lease: the head of the log, or one consumer."""

    table: str
    key_column: str
    key: Any
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """What the holder of a place knows: the epoch, and the position at which it was taken."""

    place: Place
    epoch: int
    position: int


HEAD = Place("log_loghead", "id", 1)


def consumer_place(name: str) -> Place:
    return Place("log_consumer", "name", name, stamp="updated_at")


def take(place: Place, holder: str) -> Lease | None:
    """Take a place that is free, whose lease ran out, or that is the holder's own; None when another holds it.

    A short write transaction; none at all while another holds the place.
    """
    free = f"{place.key_column} = %s AND (holder IN ('', %s) OR {_run_out()})"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {place.table} WHERE {free}", (place.key, holder))  # noqa: S608
        if cursor.fetchone() is None:
            return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET holder = %s, epoch = epoch + 1, expires_at = {_clock(LEASE_SECONDS)}"  # noqa: S608
            f" WHERE {free} RETURNING epoch, position",
            (holder, place.key, holder),
        )
        row = cursor.fetchone()
    return Lease(place, *row) if row else None


def move(lease: Lease, *, start: int, end: int, also: Mapping[str, int] = _NOTHING) -> None:
    """Move the position from `start` to `end` on the caller's transaction, and set columns that go with it.

    Renews the lease. Raises LeaseLost.
    """
    place = lease.place
    stamp = f", {place.stamp} = {_clock(0)}" if place.stamp else ""
    columns = "".join(f", {column} = %s" for column in also)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET position = %s, expires_at = {_clock(LEASE_SECONDS)}{stamp}{columns}"  # noqa: S608
            f" WHERE {place.key_column} = %s AND epoch = %s AND position = %s",
            (end, *also.values(), place.key, lease.epoch, start),
        )
        if cursor.rowcount != 1:
            raise LeaseLost(f"{place.table} {place.key}: no longer at position {start} in epoch {lease.epoch}")


@contextmanager
def moving() -> Iterator[None]:
    """A transaction that only moves on what is safe already: from the intake to the log, from the log to counters.

    On SQLite it does not wait for the disk, since everybody would wait with it. A loss of power may undo the last
    moves, all from some point on, and they are made again: intake rows are safe, and they come in the same order, so
    every event gets the same number. On PostgreSQL they might come in another order, and nobody waits: it is synced.
    """
    with relaxed_transaction() if connection.vendor == "sqlite" else transaction.atomic():
        yield


def renew(holder: str) -> dict[Any, int]:
    """Renew all leases of a holder; what it still holds, as key of the place → epoch."""
    held: dict[Any, int] = {}
    with relaxed_transaction(), connection.cursor() as cursor:
        for table, key_column in (("log_loghead", "id"), ("log_consumer", "name")):
            cursor.execute(
                f"UPDATE {table} SET expires_at = {_clock(LEASE_SECONDS)} WHERE holder = %s"  # noqa: S608
                f" RETURNING {key_column}, epoch",
                (holder,),
            )
            held.update(cursor.fetchall())
    return held


def release(lease: Lease) -> None:
    """Give the place back, so that another takes it at once. Does nothing when it was lost before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {lease.place.table} SET holder = '', expires_at = NULL"  # noqa: S608
            f" WHERE {lease.place.key_column} = %s AND epoch = %s",
            (lease.place.key, lease.epoch),
        )


def _run_out() -> str:
    return f"(expires_at IS NULL OR expires_at NOT BETWEEN {_clock(0)} AND {_clock(2 * LEASE_SECONDS)})"


def _clock(seconds: float) -> str:
    """SQL for the database's clock, so many seconds ahead."""
    if connection.vendor == "postgresql":
        return f"clock_timestamp() + interval '{seconds} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+{seconds} seconds')"
