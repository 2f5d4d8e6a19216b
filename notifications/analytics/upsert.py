"""Adding to counters by one statement a table: INSERT … ON CONFLICT DO UPDATE."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

COUNTS = ("pulls", "checks", "pushes")
CLOCKS = ("last_pulled_at", "last_seen_at", "last_pushed_at")

Row = tuple[object, ...]


@dataclass(frozen=True)
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
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            execute_values(cursor, table.upsert("%s", "GREATEST"), rows, page_size=len(rows))
            return
        places = f"({', '.join(['%s'] * len(table.columns))})"
        cursor.executemany(table.upsert(places, "MAX"), [tuple(map(_adapt, row)) for row in rows])


def _adapt(value: Any) -> Any:
    """SQLite keeps times as text, the way Django writes them."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value
