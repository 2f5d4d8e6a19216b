"""Many ids as one parameter: SQLite bounds how many parameters a statement may have."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL


def among(ids: Collection[int]) -> tuple[str, Any]:
    """SQL that says that a column is among the ids, and its one parameter."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", list(ids)
    return "IN (SELECT value FROM json_each(%s))", str(list(ids))


def listed(ids: Collection[int]) -> RawSQL:
    """The same for the ORM: `filter(pk__in=listed(ids))`."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", (list(ids),))
    return RawSQL("SELECT value FROM json_each(%s)", (str(list(ids)),))
