"""What all tables of the counters hold."""

import json
import os
from typing import Any

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
    django.setup()

from django.db import connection

from notifications.analytics.models import RepositoryUseHour
from notifications.analytics.staging import table_names
from notifications.analytics.tables import WINDOW_COLUMNS


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


def read_uses() -> dict[str, int]:
    """What was done with the repositories, over all hours: `repository action audience client platform` → how often."""
    rows = RepositoryUseHour.objects.values_list(
        "repository__name", "action", "audience", "client", "platform", "pulls", "checks", "pushes"
    )
    found: dict[str, int] = {}
    for *words, pulls, checks, pushes in rows:
        name = " ".join(word or "-" for word in words)
        found[name] = found.get(name, 0) + pulls + checks + pushes
    return {name: times for name, times in found.items() if times}


if __name__ == "__main__":  # of a hub that runs
    print(json.dumps({"uses": read_uses(), "tables": repr(read_tables())}))
