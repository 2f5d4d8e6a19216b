"""What all tables of the counters hold."""

from typing import Any

from django.db import connection

from notifications.analytics.staging import table_names
from notifications.analytics.tables import WINDOW_COLUMNS

_NUMBERED = "analytics_tagtotals"  # its rows have numbers of their own, in the order in which they came


def read_tables() -> dict[str, list[tuple[Any, ...]]]:
    """By table; rows in which nothing is counted (any more) are left out."""
    return {name: _read(name) for name in table_names()}


def _read(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {name}")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    counts = [each for each in columns if each in _COUNTS]
    kept = [row for row in rows if not counts or any(row[each] for each in counts) or _has_clock(row)]
    return sorted((tuple((key, row[key]) for key in columns if key != "id") for row in kept), key=str)


_COUNTS = frozenset(("pulls", "checks", "pushes", "excluded", "bytes", "pullers", *WINDOW_COLUMNS))


def _has_clock(row: dict[str, Any]) -> bool:
    return any(value is not None for key, value in row.items() if key.startswith("last_"))
