"""Many rows as parameters of one statement: an array a column on PostgreSQL, a JSON list of lists on SQLite."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection


def as_parameters(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Of at least one row. PostgreSQL takes them by `unnest(%s::bigint[], …)`, SQLite by `json_each(%s)`."""
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)]
    return [orjson.dumps(rows).decode()]
