"""Adding to counters by one statement a table: INSERT … ON CONFLICT DO UPDATE."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

COUNTS = ("pulls", "checks", "pushes")
CLOCKS = ("last_pulled_at", "last_seen_at", "last_pushed_at")

BLOCK = 100
"""Rows a statement. On SQLite one row each would give up the interpreter lock at every row, while it holds the lock
for writing: seconds, beside a busy thread."""

Row = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """A table of counters: `keys` are its unique columns, then come the counts, then maybe the clocks."""

    name: str
    keys: tuple[str, ...]
    has_clocks: bool = False

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return (*self.keys, *COUNTS, *(CLOCKS if self.has_clocks else ()))

    def upsert(self, values: str, greatest: str) -> str:
        """The statement; `greatest` is the database's name for the larger of two values."""
        changes = [f"{column} = {self.name}.{column} + excluded.{column}" for column in COUNTS]
        for column in CLOCKS if self.has_clocks else ():
            mine, new = f"{self.name}.{column}", f"excluded.{column}"
            changes.append(f"{column} = {greatest}(COALESCE({mine}, {new}), COALESCE({new}, {mine}))")
        return (
            f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES {values}"  # noqa: S608
            f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {', '.join(changes)}"
        )


def add_rows(table: Table, rows: Sequence[Row]) -> None:
    """Add the rows' counts and move the clocks forward, on the caller's transaction. Keys must not repeat."""
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            if is_postgres:
                execute_values(cursor, table.upsert("%s", "GREATEST"), block, page_size=BLOCK)
            else:
                values = [_adapt(value) for row in block for value in row]
                cursor.execute(table.upsert(_places(table, len(block)), "MAX"), values)


@cache
def _places(table: Table, count: int) -> str:
    row = f"({', '.join(['%s'] * len(table.columns))})"
    return ", ".join([row] * count)


def _adapt(value: Any) -> Any:
    """SQLite keeps times as text in UTC, the way Django writes them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value
