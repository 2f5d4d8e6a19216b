"""Who may move a place in the log: a lease row with a holder, an epoch and an expiry by the database's clock.

Every move carries the epoch. Whoever takes the place raises the epoch, so a holder that was only slow finds its
next move refused and rolls it back. A clock that jumps costs time, never correctness: a lease that runs out early
is taken by another, and one that seems to last longer than any lease lasts counts as run out.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

LEASE_SECONDS = 5.0


class LeaseLost(Exception):
    """Another process holds this place now (or someone has rewound it): roll back and stop."""


@dataclass(frozen=True, slots=True)
class Place:
    """The row of a lease: the head of the log, or one consumer."""

    table: str
    key_column: str
    key: Any


@dataclass(frozen=True, slots=True)
class Lease:
    """What the holder of a place knows: its epoch, and the position when it was taken."""

    place: Place
    epoch: int
    position: int


HEAD = Place("log_loghead", "id", 1)


def consumer_place(name: str) -> Place:
    return Place("log_consumer", "name", name)


def take(place: Place, holder: str) -> Lease | None:
    """Take a place that is free or whose lease ran out; None when another holds it.

    A short write transaction, and none at all while another holds the place.
    """
    if not _is_free(place):
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET holder = %s, epoch = epoch + 1, expires_at = {_clock(LEASE_SECONDS)}"  # noqa: S608
            f" WHERE {place.key_column} = %s AND {_free()} RETURNING epoch, position",
            (holder, place.key),
        )
        row = cursor.fetchone()
    return Lease(place, *row) if row else None


def move(lease: Lease, position: int) -> None:
    """Set the position, inside the caller's transaction. Renews the lease. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {lease.place.table} SET position = %s, expires_at = {_clock(LEASE_SECONDS)}"  # noqa: S608
            f" WHERE {lease.place.key_column} = %s AND epoch = %s",
            (position, lease.place.key, lease.epoch),
        )
        if cursor.rowcount != 1:
            raise LeaseLost(f"{lease.place.table} {lease.place.key}: epoch {lease.epoch} is over")


def release(lease: Lease) -> None:
    """Give the place back, so that another takes it at once. Does nothing when it was lost before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {lease.place.table} SET holder = '', expires_at = NULL"  # noqa: S608
            f" WHERE {lease.place.key_column} = %s AND epoch = %s",
            (lease.place.key, lease.epoch),
        )


def _is_free(place: Place) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {place.table} WHERE {place.key_column} = %s AND {_free()}", (place.key,))  # noqa: S608
        return cursor.fetchone() is not None


def _free() -> str:
    """The condition under which anyone may take a place."""
    return f"(holder = '' OR expires_at IS NULL OR expires_at NOT BETWEEN {_clock(0)} AND {_clock(2 * LEASE_SECONDS)})"


def _clock(seconds: float) -> str:
    """SQL for the database's clock, so many seconds ahead."""
    if connection.vendor == "postgresql":
        return f"clock_timestamp() + interval '{seconds} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+{seconds} seconds')"
