"""Adding to counters by one statement a block of rows: INSERT … ON CONFLICT DO UPDATE."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from django.db import connection

from notifications.analytics.tables import Table
from registryhub.database.arrays import as_array
from registryhub.database.bulk import blocks, moment_text

POSTGRES_BLOCK = 5000

Row = tuple[object, ...]
Values = Mapping[str, Sequence[Any]]
"""By the names of columns."""


def add_rows(table: Table, rows: Sequence[Row]) -> None:
    """Add the rows' counts, which may be negative, and move the clocks forward, on the caller's transaction.

    A row has the values of `table.columns`. Keys must not repeat.
    """
    size = POSTGRES_BLOCK if connection.vendor == "postgresql" else max(len(rows), 1)
    for start in range(0, len(rows), size):
        values = dict(zip(table.columns, zip(*rows[start : start + size], strict=True), strict=True))
        found = {name: each for name, each in values.items() if name not in table.optional or any(each)}
        if connection.vendor == "postgresql":
            _add_on_postgres(table, found)
        else:
            _add_on_sqlite(table, found)


def _add_on_postgres(table: Table, values: Values) -> None:
    """As one array a column."""
    with connection.cursor() as cursor:
        cursor.execute(_postgres_statement(table, tuple(values)), [as_array(each) for each in values.values()])


def _add_on_sqlite(table: Table, values: Values) -> None:
    """Many rows a statement: with one row each the interpreter would be given up at every row, while we hold the lock
    for writing: seconds, beside a busy thread.
    """
    columns = [map(_text, each) if name in table.moments else each for name, each in values.items()]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        for block in blocks(list(zip(*columns, strict=True)), len(columns)):
            statement = _sqlite_statement(table, tuple(values), len(block))
            connection.connection.execute(statement, list(chain.from_iterable(block)))


@lru_cache(maxsize=4096)
def _text(value: date | datetime | None) -> str | None:
    """SQLite keeps times as text in UTC, the way Django writes them."""
    if isinstance(value, datetime):
        return moment_text(value)
    return value.isoformat() if value else None


@cache
def _postgres_statement(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(
        f"%s::{type_}[]" for name, type_ in zip(table.columns, table.types, strict=True) if name in columns
    )
    return _upsert(table, columns, f"SELECT * FROM unnest({arrays})", "GREATEST")  # noqa: S608


@cache
def _sqlite_statement(table: Table, columns: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return _upsert(table, columns, f"VALUES {', '.join([row] * count)}", "MAX")


def _upsert(table: Table, columns: tuple[str, ...], values: str, greatest: str) -> str:
    counts = [column for column in table.counts if column in columns]
    changes = [f"{column} = {table.name}.{column} + excluded.{column}" for column in counts]
    for column in filter(columns.__contains__, table.clocks):
        mine, new = f"{table.name}.{column}", f"excluded.{column}"
        changes.append(f"{column} = {greatest}(COALESCE({mine}, {new}), COALESCE({new}, {mine}))")
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) {values}"
        f" ON CONFLICT ({', '.join(table.keys)}) DO UPDATE SET {', '.join(changes)}"
    )
