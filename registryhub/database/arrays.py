"""Many rows as parameters of one statement: an array a column on PostgreSQL, a JSON list of lists on SQLite."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection


def as_parameters(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Of at least one row. PostgreSQL takes them by `unnest(%s::bigint[], …)`, SQLite by `json_each(%s)`."""
    if connection.vendor == "postgresql":
        return [as_array(column) for column in zip(*rows, strict=True)]
    return [orjson.dumps(rows).decode()]


def one_of(column: str) -> str:
    """A condition of a statement, whose parameter is what `as_list` makes of the values of the column."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)"
    return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608


def as_list(values: Sequence[Any]) -> str:
    """Of at least one value."""
    return as_array(values) if connection.vendor == "postgresql" else orjson.dumps(values).decode()


def as_array(values: Sequence[Any]) -> str:
    """A literal of PostgreSQL, of numbers, text, times or booleans, all of one kind; None is NULL.

    A driver that adapts each value by itself took half of the time that counting takes.
    """
    return f"{{{','.join(map(_WORDS.get(type(values[0]), _word), values))}}}"


def _word(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _time_word(value) if isinstance(value, date) else str(value)


@lru_cache(maxsize=4096)
def _time_word(value: date | datetime) -> str:
    return f'"{value.isoformat()}"'


_WORDS: dict[type, Any] = {int: str}
