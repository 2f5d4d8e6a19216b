"""Lists by number, the newest first: a page is said by the number it begins before, or goes on after."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

_CURSOR = re.compile(r"(?P<side>before|after)-(?P<number>[0-9]{1,18})")

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is: below a number, above one, or (neither) at the newest rows."""

    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """Rows, the newest first, and the cursors of the older page and of the newer one, None where there is none."""

    rows: Sequence[Row]
    cursor: str | None
    previous: str | None


def read_place(text: str) -> Place:
    """What a cursor says; nonsense is the first page."""
    found = _CURSOR.fullmatch(text)
    return Place(**{found["side"]: int(found["number"])}) if found else Place()


def write_before(number: int) -> str:
    """The cursor of the rows below a number."""
    return f"before-{number}"


def write_after(number: int) -> str:
    """The cursor of the rows above a number."""
    return f"after-{number}"


def read_listing(rows: QuerySet[Row, Any], place: Place, limit: int) -> Listing[Row]:
    """A page of rows by primary key: one query, or two for whoever goes back to the newest."""
    if place.after is not None:
        newer = list(rows.filter(pk__gt=place.after).order_by("pk")[: limit + 1])
        if len(newer) > limit:
            shown = newer[:limit]
            return Listing(shown[::-1], write_before(place.after + 1), write_after(shown[-1].pk))
    below = rows if place.before is None else rows.filter(pk__lt=place.before)
    found = list(below.order_by("-pk")[: limit + 1])
    older = write_before(found[limit - 1].pk) if len(found) > limit else None
    return Listing(found[:limit], older, None if place.before is None else write_after(place.before - 1))
