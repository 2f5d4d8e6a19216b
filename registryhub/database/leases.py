"""Who may do what only one may do at a time: a row with a holder, an epoch and an expiry by the database's clock.

Whoever takes the place raises the epoch, so a holder that was only slow finds its next write refused and rolls it
back. A clock that jumps costs time, never correctness: a lease that runs out early is taken by another, and one that
lasts longer than any lease can counts as run out.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from registryhub.database.lookups import Row


class LeaseLost(Exception):
    """Another process holds this place now: roll back, and take it anew or stop."""


class Leased(models.Model):
    """The columns of a place that one process holds at a time."""

    holder = models.CharField(max_length=100, blank=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, help_text="by the database's clock")

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Place:
    """The row of a lease. `stamp` is a column that every move sets to the present."""

    table: str
    key_column: str
    key: Any
    stamp: str = ""


def take(place: Place, holder: str, seconds: float, *, columns: tuple[str, ...] = ("epoch",)) -> Row | None:
    """Take a place that is free, whose lease ran out, or that is the holder's own, and return columns of its row.

    None when another holds it. A short write transaction; none at all while another holds the place.
    """
    free = f"{place.key_column} = %s AND (holder IN ('', %s) OR {_run_out(seconds)})"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {place.table} WHERE {free}", (place.key, holder))  # noqa: S608
        if cursor.fetchone() is None:
            return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET holder = %s, epoch = epoch + 1, expires_at = {clock(seconds)}"  # noqa: S608
            f" WHERE {free} RETURNING {', '.join(columns)}",
            (holder, place.key, holder),
        )
        row: Row | None = cursor.fetchone()
        return row


def hold(place: Place, epoch: int, seconds: float) -> None:
    """Renew the lease, on the caller's transaction if there is one. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET expires_at = {clock(seconds)}"  # noqa: S608
            f" WHERE {place.key_column} = %s AND epoch = %s AND holder <> ''",
            (place.key, epoch),
        )
        if cursor.rowcount != 1:
            raise LeaseLost(f"{place.table} {place.key}: no longer held in epoch {epoch}")


def release(place: Place, epoch: int) -> None:
    """Give the place back, so that another takes it at once. Does nothing when it was lost before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET holder = '', expires_at = NULL"  # noqa: S608
            f" WHERE {place.key_column} = %s AND epoch = %s",
            (place.key, epoch),
        )


def clock(seconds: float) -> str:
    """SQL for the database's clock, so many seconds ahead."""
    if connection.vendor == "postgresql":
        return f"clock_timestamp() + interval '{seconds} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+{seconds} seconds')"


def _run_out(seconds: float) -> str:
    return f"(expires_at IS NULL OR expires_at NOT BETWEEN {clock(0)} AND {clock(2 * seconds)})"
