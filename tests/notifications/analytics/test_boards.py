from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.analytics.boards import most_pulled
from notifications.analytics.windows import WINDOWS, Window, window_start
from registryhub.access.models import Repository
from registryhub.access.visibility import visible_repositories
from tests.notifications.analytics.logged import NOON, counted, logged

pytestmark = pytest.mark.django_db


def board(window: Window, limit: int = 10) -> list[tuple[int, str, int]]:
    places = most_pulled(Repository.objects.all(), window, NOON, limit)
    return [(place.rank, place.repository, place.pulls) for place in places]


def pulled(repository: str, times: int, ago: timedelta = timedelta()) -> None:
    counted(*(logged("pull", repository, occurred_at=NOON - ago) for _ in range(times)))


def test_a_window_counts_what_happened_within_it() -> None:
    """At least the window, at most one hour or day more."""
    for name, ago in (
        ("minutes", timedelta(minutes=5)),
        ("day", timedelta(hours=23, minutes=59)),
        ("days", timedelta(days=6, hours=23)),
        ("weeks", timedelta(days=29)),
        ("months", timedelta(days=89)),
        ("years", timedelta(days=900)),
    ):
        pulled(name, 1, ago)
    found = {window: {name for _, name, _ in board(window)} for window in WINDOWS}
    assert found == {
        "24h": {"minutes", "day"},
        "7d": {"minutes", "day", "days"},
        "30d": {"minutes", "day", "days", "weeks"},
        "90d": {"minutes", "day", "days", "weeks", "months"},
        "all": {"minutes", "day", "days", "weeks", "months", "years"},
    }
    start = window_start("24h", NOON)
    assert start is not None
    pulled("just-before", 1, NOON - start + timedelta(seconds=1))
    assert "just-before" not in {name for _, name, _ in board("24h")}


@pytest.mark.parametrize("window", WINDOWS)
def test_the_most_pulled_leads_and_ties_go_by_name(window: Window) -> None:
    """Checks and pushes move nobody; who has no pull is not on the board."""
    pulled("b", 2)
    pulled("a", 2)
    pulled("a-b", 2)
    pulled("c", 3)
    counted(*(logged(action, "d") for action in ("check", "push") * 5))
    assert board(window) == [(1, "c", 3), (2, "a", 2), (3, "a-b", 2), (4, "b", 2)]
    assert board(window, limit=2) == [(1, "c", 3), (2, "a", 2)]


@pytest.mark.parametrize("window", WINDOWS)
def test_a_board_is_one_query(window: Window) -> None:
    """However many repositories, and for the anonymous too."""
    for name in ("a", "b", "c"):
        pulled(name, 1)
    Repository.objects.exclude(name="b").update(is_public=False)
    Repository.objects.filter(name="b").update(is_public=True)
    with CaptureQueriesContext(connection) as queries:
        places = most_pulled(visible_repositories(AnonymousUser()), window, NOON, 10)
    assert len(queries) == 1
    assert [place.repository for place in places] == ["b"]
