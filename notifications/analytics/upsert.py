"""Adding to counters by one statement a block of rows: INSERT … ON CONFLICT DO UPDATE."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from django.db import connection

from registryhub.database.arrays import as_array
from notifications.analytics.tables import Table

SQLITE_BLOCK = 100
"""Rows a statement. On SQLite one row each would give up the interpreter lock at every row, while it holds the lock
for writing: seconds, beside a busy thread."""
POSTGRES_BLOCK = 5000

_MAX_VARIABLES = 32_766

Row = tuple[object, ...]


def add_rows(table: Table, rows: Sequence[Row]) -> None:
    """Add the rows' counts, which may be negative, and move the clocks forward, on the caller's transaction.

    A row has the values of `table.columns`. Keys must not repeat.
    """
    if connection.vendor == "postgresql":
        _add_on_postgres(table, rows)
    else:
        _add_on_sqlite(table, rows)


def _add_on_postgres(table: Table, rows: Sequence[Row]) -> None:
    """As one array a column, of those in which something is to be added."""
    with connection.cursor() as cursor:
        for start in range(0, len(rows), POSTGRES_BLOCK):
            values = dict(zip(table.columns, zip(*rows[start : start + POSTGRES_BLOCK], strict=True), strict=True))
            columns = tuple(name for name in table.columns if name not in table.optional or any(values[name]))
            cursor.execute(_postgres_statement(table, columns), [as_array(values[name]) for name in columns])


def _add_on_sqlite(table: Table, rows: Sequence[Row]) -> None:
    size = min(SQLITE_BLOCK, _MAX_VARIABLES // len(table.columns))
    connection.ensure_connection()
    with connection.wrap_database_errors:
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            values = [value for row in block for value in _with_texts(row, table.moments)]
            connection.connection.execute(_sqlite_statement(table, len(block)), values)


def _with_texts(row: Row, moments: Sequence[int]) -> Sequence[object]:
    """SQLite keeps times as text in UTC, the way Django writes them."""
    values = list(row)
    for at in moments:
        if values[at] is not None:
            values[at] = _text(values[at])
    return values


@lru_cache(maxsize=4096)
def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return str(value.isoformat())


@cache
def _postgres_statement(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(
        f"%s::{type_}[]" for name, type_ in zip(table.columns, table.types, strict=True) if name in columns
    )
    return _upsert(table, columns, f"SELECT * FROM unnest({arrays})", "GREATEST")  # noqa: S608


@cache
def _sqlite_statement(table: Table, count: int) -> str:
    row = f"({', '.join('?' * len(table.columns))})"
    return _upsert(table, table.columns, f"VALUES {', '.join([row] * count)}", "MAX")


def _upsert(table: Table, columns: tuple[str, ...], values: str, greatest: str) -> str:
    counts = [column for column in table.counts if column in columns]
    changes = [f"{column} = {table.name}.{column} + excluded.{column}" for column in counts]
    for column in table.clocks:
        mine, new = f"{table.name}.{column}", f"excluded.{column}"
        changes.append(f"{column} = {greatest}(COALESCE({mine}, {new}), COALESCE({new}, {mine}))")
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) {values}"
        f" ON CONFLICT ({', '.join(table.keys)}) DO UPDATE SET {', '.join(changes)}"
    )
