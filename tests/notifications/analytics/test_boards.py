"""Who leads, in which window, by how few rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.analytics.boards import Line, boards, read_board
from notifications.analytics.scope import Scope, scope_of
from notifications.analytics.windows import WINDOWS, Window, window_start
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import set_public
from tests.notifications.analytics.logged import counted, logged

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def lines(board: str, window: Window = "7d", limit: int = 10) -> list[Line]:
    return list(read_board(boards()[board], Scope(sees_private=True), window, NOW, limit)[1])


def values(board: str, window: Window = "7d", limit: int = 10) -> dict[str, int]:
    return {line.repository or line.actor: line.value for line in lines(board, window, limit)}


def pulled(repository: str, times: int, ago: timedelta = timedelta(), **changes: Any) -> None:
    """By so many clients."""
    counted(
        *(
            logged(
                "pull", repository, occurred_at=NOW - ago, address=f"10.0.{number // 250}.{number % 250}:1", **changes
            )
            for number in range(times)
        )
    )


def test_moments_have_their_zone() -> None:
    """Also where the database keeps none."""
    counted(logged("push", "app", occurred_at=NOW))
    (line,) = lines("freshest")
    assert line.last_pushed_at == NOW


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
    start = window_start("24h", NOW)
    assert start is not None
    pulled("just-before", 1, NOW - start + timedelta(seconds=1))
    found = {window: set(values("most-pulled", window)) for window in WINDOWS}
    assert found["24h"] == {"minutes", "day"}
    assert found["7d"] == {"minutes", "day", "days", "just-before"}
    assert found["30d"] - found["7d"] == {"weeks"}
    assert found["90d"] - found["30d"] == {"months"}
    assert found["all"] - found["90d"] == {"years"}


@pytest.mark.parametrize("window", WINDOWS)
def test_the_most_pulled_leads_and_ties_go_by_name(window: Window) -> None:
    """Checks and pushes move nobody; who has no pull is not on the board."""
    for name, times in (("b", 2), ("a", 2), ("a-b", 2), ("c", 3)):
        pulled(name, times)
    counted(*(logged(action, "d", occurred_at=NOW) for action in ("check", "push") * 5))
    assert [(line.rank, line.repository, line.value) for line in lines("most-pulled", window)] == [
        (1, "c", 3),
        (2, "a", 2),
        (3, "a-b", 2),
        (4, "b", 2),
    ]
    assert values("most-pulled", window, limit=2) == {"c": 3, "a": 2}


@pytest.mark.parametrize("window", ["24h", "7d", "all"])
def test_each_line_says_what_was_left_out(window: Window) -> None:
    """In the window of the board."""
    pulled("a", 3)
    pulled("a", 2, user_agent="trivy/0.50")
    pulled("a", 5, timedelta(days=20), user_agent="trivy/0.50")
    (line,) = lines("most-pulled", window)
    assert (line.pulls, line.excluded) == (3, 7 if window == "all" else 2)


def test_the_other_boards_of_totals() -> None:
    """Pullers of each day are added up; what is large, fresh, or forgotten and still used."""
    pulled("small", 3)
    pulled("large", 2, size=1000)
    counted(*(logged("pull", "small", occurred_at=NOW - timedelta(days=1)) for _ in range(2)))
    counted(logged("push", "large", occurred_at=NOW - timedelta(hours=1)), logged("push", "other", occurred_at=NOW))
    counted(logged("push", "small", occurred_at=NOW - timedelta(days=300)))
    counted(logged("check", "large", occurred_at=NOW, user_agent="x"))
    assert values("most-pullers") == {"small": 4, "large": 2}
    assert values("most-pushed") == {"large": 1, "other": 1}
    assert values("most-checked", "all") == {"large": 1}
    assert values("largest-bytes") == {"small": 5 * 442, "large": 2000}
    assert list(values("freshest")) == ["other", "large"]
    assert list(values("freshest", "all")) == ["other", "large", "small"]
    assert list(values("stalest-still-pulled")) == ["small", "large"]
    assert lines("stalest-still-pulled")[0].value >= 300 * 86400


def test_what_grows_beyond_what_was_to_be_expected_is_trending() -> None:
    """Steady, however large, is not; what is small grows by chance."""
    for days in range(2, 89, 3):
        pulled("steady", 15, timedelta(days=days))
        pulled("rising", 3, timedelta(days=days))
    pulled("steady", 5)
    pulled("rising", 40)
    pulled("tiny", 2)
    pulled("new", 12)
    found = values("trending", "24h")
    assert list(found) == ["rising", "new"]
    assert 35 <= found["rising"] <= 40
    assert found["new"] == 12
    assert next(iter(values("trending", "7d"))) == "rising"


def test_platforms_of_the_most_pulled() -> None:
    """Different ones, of what was fetched in the window."""
    for platform in ("linux/amd64", "linux/arm64"):
        pulled("both", 1, facts=f'{{"platforms":["{platform}"]}}')
    pulled("one", 5, facts='{"platforms":["linux/amd64"]}')
    pulled("one", 1, timedelta(days=20), facts='{"platforms":["linux/s390x"]}')
    assert values("most-platforms") == {"both": 2, "one": 1}
    assert values("most-platforms", "24h") == {"both": 2, "one": 1}
    assert values("most-platforms", "30d") == {"both": 2, "one": 2}


def test_actors_by_what_they_asked_for() -> None:
    """Pulls and pushes of all repositories, of those who have a name."""
    pulled("a", 2, actor="ann", tag="v1")
    pulled("b", 1, actor="bob")
    pulled("b", 4)
    counted(logged("push", "a", actor="bob", occurred_at=NOW), logged("push", "a", actor="bob", occurred_at=NOW))
    assert values("top-actors") == {"bob": 3, "ann": 2}
    assert boards()["top-actors"].is_for_staff


@pytest.mark.parametrize("name", [name for name in boards() if not boards()[name].is_for_staff])
def test_the_anonymous_see_what_is_public(name: str) -> None:
    """On every board."""
    for repository in ("open", "closed"):
        pulled(repository, 6, facts='{"platforms":["linux/amd64"]}')
        counted(
            logged("push", repository, occurred_at=NOW),
            logged("check", repository, occurred_at=NOW, user_agent="x"),
        )
    for row in Repository.objects.all():
        set_public(row.pk, is_public=row.name == "open")
    board = boards()[name]
    window = board.windows[0]
    for user, names in ((AnonymousUser(), {"open"}), (User(), {"open"}), (User(is_staff=True), {"open", "closed"})):
        asked, found = read_board(board, scope_of(user), window, NOW, 10)
        assert {line.repository for line in found} == names, (user, asked)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_board_costs_few_queries(window: Window) -> None:
    """However many repositories."""
    for name in ("a", "b", "c"):
        pulled(name, 6)
    for board in boards().values():
        if window in board.windows:
            with CaptureQueriesContext(connection) as queries:
                read_board(board, Scope(source_id=HUB_SOURCE_ID), window, NOW, 10)
            assert len(queries) <= 4, board.name
