"""Paging by where the last page ended."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from registryhub.access.models import Source
from registryhub.database.keyset import InvalidCursor, Page, flipped, read_page

pytestmark = pytest.mark.django_db

BY_NAME = ("name",)
BY_DAY = ("-created_at", "name")


@pytest.fixture(autouse=True)
def sources() -> None:
    """a, b, c … h; every third is of a new day."""
    Source.objects.all().delete()
    days = [datetime(2026, 11, 1 + number // 3, tzinfo=UTC) for number in range(8)]
    Source.objects.bulk_create(Source(name=name, created_at=day) for name, day in zip("abcdefgh", days, strict=True))


def page(cursor: str | None = "", order: Sequence[str] = BY_NAME) -> Page:
    rows: Any = Source.objects.values("name", "created_at")
    return read_page(rows, order, cursor=cursor or "", limit=3)


def names(found: Page) -> str:
    return "".join(row["name"] for row in found.rows)


def test_pages_follow_each_other_to_the_end() -> None:
    """Each row once."""
    first = page()
    second = page(first.cursor)
    third = page(second.cursor)
    assert [names(first), names(second), names(third)] == ["abc", "def", "gh"]
    assert first.previous is None
    assert third.cursor is None


def test_pages_lead_back_the_same_way() -> None:
    """In the same order; the first page is known as the first."""
    second = page(page().cursor)
    third = page(second.cursor)
    back = page(third.previous)
    assert names(back) == "def"
    first = page(back.previous)
    assert (names(first), first.previous) == ("abc", None)
    assert names(page(first.cursor)) == "def"


def test_an_order_of_several_columns_goes_both_ways() -> None:
    """Some up, some down."""
    first = page(order=BY_DAY)
    second = page(first.cursor, order=BY_DAY)
    assert [names(first), names(second)] == ["ghd", "efa"]
    assert names(page(second.previous, order=BY_DAY)) == "ghd"
    assert flipped(BY_DAY) == ["created_at", "-name"]


def test_rows_that_go_meanwhile_hide_no_others() -> None:
    """Not even the one the cursor was made of."""
    cursor = page().cursor
    Source.objects.filter(name__in="bce").delete()
    assert names(page(cursor)) == "dfg"


@pytest.mark.parametrize("cursor", ["nonsense", "~", "~nonsense", "WyJuYW1lIl0", "~" * 1000])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """Whatever direction it claims."""
    with pytest.raises(InvalidCursor):
        page(cursor)


def test_a_cursor_of_another_order_is_refused() -> None:
    """Both ways."""
    second = page(page().cursor)
    for cursor in (second.cursor, second.previous):
        with pytest.raises(InvalidCursor):
            page(cursor, order=BY_DAY)
