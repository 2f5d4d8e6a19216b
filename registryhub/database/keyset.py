"""Paging by where the last page ended, not by counting rows: page 10,000 costs what page 1 costs.

New and deleted rows neither repeat nor hide others, and no COUNT scans a table.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from rest_framework.utils.urls import replace_query_param


class InvalidCursor(ValueError):
    """The cursor was not made for this listing in this order."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the cursors of the next page and of the one before, None at the ends."""

    rows: Sequence[Any]
    cursor: str | None
    previous: str | None = None


def read_page(rows: QuerySet[Any, dict[str, Any]], order: Sequence[str], *, cursor: str, limit: int) -> Page:
    """A page of a `.values()` query in that order, at the cursor ("" is the first page).

    `order` names columns as `order_by` does; together they must be unique, and none may be NULL. Raises InvalidCursor.
    """
    is_backward = cursor.startswith(_BACKWARD)
    walked = flipped(order) if is_backward else order
    if cursor:
        values = decode(cursor.removeprefix(_BACKWARD), order)
        try:
            rows = rows.filter(_after(walked, values))
        except (ValueError, TypeError, ValidationError) as error:
            raise InvalidCursor(_MEND) from error
    found = list(rows.order_by(*walked)[: limit + 1])
    has_more, found = len(found) > limit, found[:limit]
    if is_backward:
        found.reverse()
    has_next, has_previous = (True, has_more) if is_backward else (has_more, bool(cursor))
    return Page(
        found,
        encode(found[-1], order) if found and has_next else None,
        _BACKWARD + encode(found[0], order) if found and has_previous else None,
    )


def flipped(order: Sequence[str]) -> list[str]:
    """The same order from its end."""
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def next_link(url: str, page: Page) -> str | None:
    """The URL of the next page, all else as it was asked; None at the end."""
    return replace_query_param(url, "cursor", page.cursor) if page.cursor else None


def encode(row: dict[str, Any], order: Sequence[str]) -> str:
    """What says where this row stands in the order."""
    values = [row[name.removeprefix("-")] for name in order]
    text = json.dumps([",".join(order), *(_plain(value) for value in values)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, order: Sequence[str]) -> list[Any]:
    """Raises InvalidCursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        head, *values = json.loads(text)
        if head == ",".join(order) and len(values) == len(order) and all(map(_is_value, values)):
            return [_rich(value) for value in values]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise InvalidCursor(_MEND) from error
    raise InvalidCursor(_MEND)


_BACKWARD = "~"  # of a cursor that leads to the page before
_MEND = "The cursor belongs to another listing or order; begin without a cursor and follow `next`."


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """a > x, or a = x and (b > y, or …)."""
    column, *columns = order
    value, *rest = values
    name = column.removeprefix("-")
    beyond = Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})
    return beyond | (Q(**{name: value}) & _after(columns, rest)) if columns else beyond


def _plain(value: Any) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _rich(value: Any) -> Any:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value


def _is_value(value: Any) -> bool:
    if isinstance(value, str):
        return b"\x00" not in value.encode()
    if isinstance(value, dict):
        return datetime.fromisoformat(value["time"]).tzinfo is not None
    return type(value) is int and abs(value) < 2**63
