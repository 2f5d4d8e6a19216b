"""Places in the log: leases whose row also says how far its holder has come.

Every move says at which epoch and from which position, so that nobody moves what is no longer theirs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from registryhub.database import leases
from registryhub.database.leases import LeaseLost, Place, clock
from registryhub.database.transactions import relaxed_transaction

__all__ = [
    "DATABASE_GONE",
    "HEAD",
    "LEASE_SECONDS",
    "TAIL",
    "Lease",
    "LeaseLost",
    "consumer_place",
    "move",
    "take",
]

LEASE_SECONDS = 5.0
DATABASE_GONE = (OperationalError, InterfaceError)  # wait, and start from what it says then
_NOTHING: Mapping[str, int | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Lease:
    """What the holder of a place knows: the epoch, the position at which it was taken, and where a replay ends."""

    place: Place
    epoch: int
    position: int
    until: int | None = None


HEAD = Place("log_loghead", "id", 1)
TAIL = Place("log_logtail", "id", 1)


def consumer_place(name: str) -> Place:
    return Place("log_consumer", "name", name, stamp="updated_at")


def take(place: Place, holder: str) -> Lease | None:
    """Take a place that is free, whose lease ran out, or that is the holder's own; None when another holds it."""
    row = leases.take(place, holder, LEASE_SECONDS, columns=("epoch", "position"))
    return Lease(place, *row) if row else None


def move(lease: Lease, *, start: int, end: int, also: Mapping[str, int | None] = _NOTHING) -> None:
    """Move the position from `start` to `end` on the caller's transaction, and set columns that go with it.

    Renews the lease. Raises LeaseLost.
    """
    place = lease.place
    stamp = f", {place.stamp} = {clock(0)}" if place.stamp else ""
    columns = "".join(f", {column} = %s" for column in also)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET position = %s, expires_at = {clock(LEASE_SECONDS)}{stamp}{columns}"  # noqa: S608
            f" WHERE {place.key_column} = %s AND epoch = %s AND position = %s",
            (end, *also.values(), place.key, lease.epoch, start),
        )
        if cursor.rowcount != 1:
            raise LeaseLost(f"{place.table} {place.key}: no longer at position {start} in epoch {lease.epoch}")


@contextmanager
def moving() -> Iterator[None]:
    """A transaction that only moves on what is safe already, from the intake to the log.

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
                f"UPDATE {table} SET expires_at = {clock(LEASE_SECONDS)} WHERE holder = %s"  # noqa: S608
                f" RETURNING {key_column}, epoch",
                (holder,),
            )
            held.update(cursor.fetchall())
    return held


def release(lease: Lease) -> None:
    """Give the place back, so that another takes it at once. Does nothing when it was lost before."""
    leases.release(lease.place, lease.epoch)
