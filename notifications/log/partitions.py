"""The parts that the table of events consists of on PostgreSQL, each a range of numbers.

A part is dropped whole, which costs the same for a million events as for one. On SQLite the table is in one piece.
"""

import re
from typing import NamedTuple

from django.db import connection, transaction

EVENTS_A_PARTITION = 1_000_000
SPARE = EVENTS_A_PARTITION // 2
"""So many numbers have a place beyond the head."""
_MANY = 32
"""Beyond so many parts new ones are made larger: every part costs each query a little."""
_DROP_WAIT_MS = 250

_LIST = """
    SELECT part.relname, pg_get_expr(part.relpartbound, part.oid)
    FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
    WHERE inhparent = 'log_event'::regclass
"""
_BOUNDS = re.compile(r"FROM \('(\d+)'\) TO \('(\d+)'\)")


class Partition(NamedTuple):
    """The events from number `start` up to, but without, `end`."""

    name: str
    start: int
    end: int


def list_partitions() -> list[Partition]:
    """The parts in order; none on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LIST)
        return sorted((_partition(*row) for row in cursor.fetchall()), key=lambda part: part.start)


def make_room(last: int) -> int | None:
    """See to it that SPARE numbers after `last` have a place; the first number without one.

    None on SQLite, which needs no such thing. Only for the holder of the head of the log. Readers and writers go on
    meanwhile: attaching a part does not lock the table against them.
    """
    parts = list_partitions()
    if connection.vendor != "postgresql":
        return None
    end = parts[-1].end if parts else 0
    if end - last >= SPARE:
        return end
    new_end = max(end, last) + EVENTS_A_PARTITION * (1 + len(parts) // _MANY)
    name = f"log_event_{end}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE log_event INCLUDING ALL)")
        cursor.execute(f"ALTER TABLE log_event ATTACH PARTITION {name} FOR VALUES FROM ({end}) TO ({new_end})")
    return new_end


def drop(partition: Partition) -> None:
    """Drop a part on the caller's transaction. Raises OperationalError when readers do not let go of it at once.

    Whoever wants to read meanwhile waits for us, so we do not wait long for others.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {_DROP_WAIT_MS}")
        cursor.execute(f"DROP TABLE {partition.name}")


def _partition(name: str, bounds: str) -> Partition:
    found = _BOUNDS.search(bounds)
    if found is None:
        raise ValueError(f"{name} is a part of log_event for no range of numbers: {bounds}")
    return Partition(name, int(found[1]), int(found[2]))
