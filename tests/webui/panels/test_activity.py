"""Figures, chart and board."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from notifications.analytics.scope import Scope
from notifications.analytics.windows import WINDOWS, Window
from tests.webui import filled
from tests.webui.filled import make_repository
from webui.panels.activity import last_day, read_activity, read_chart

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
ALL = Scope(sees_private=True)
count = partial(filled.count, now=NOW)


def test_the_figures_are_of_the_last_day_and_the_one_before() -> None:
    """What is older counts for neither."""
    app = make_repository("team/app")
    for hours, pulls in ((1, 30), (20, 3), (30, 10), (47, 12), (60, 900)):
        count(app, pulls=pulls, at=NOW - timedelta(hours=hours))
    day = last_day(ALL, NOW)
    assert (day.pulls.count, day.checks.count, day.pushes.count) == (33, 2, 2)
    assert day.pulls.change is not None
    assert day.pulls.change.text == "+50 %"
    assert day.pushed_repositories == 1


def test_an_empty_hub_has_figures_too() -> None:
    """All zero, and no change."""
    day = last_day(ALL, NOW)
    assert (day.pulls.count, day.pulls.change, day.pushed_repositories) == (0, None, 0)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_board_has_shares_and_changes(window: Window) -> None:
    """Of what the reader may see; all time has no change."""
    for name, pulls in (("team/a", 60), ("team/b", 40)):
        count(make_repository(name), pulls=pulls, at=NOW - timedelta(hours=2))
    activity = read_activity(ALL, window, NOW)
    assert [(leader.place.repository, leader.share) for leader in activity.leaders] == [("team/a", 60), ("team/b", 40)]
    changes = {leader.change.text if leader.change else "" for leader in activity.leaders}
    assert changes == ({""} if window == "all" else {"new"})
    assert activity.chart is not None
    assert all(leader.spark for leader in activity.leaders)


def test_repositories_of_one_name_are_not_mixed_up() -> None:
    """Those of two sources are two lines, each with its own change."""
    ours, theirs = make_repository("team/app"), make_repository("team/app", source="harbor")
    count(ours, pulls=20, at=NOW - timedelta(hours=2))
    count(theirs, pulls=10, at=NOW - timedelta(hours=2))
    count(theirs, pulls=20, at=NOW - timedelta(hours=27))
    leaders = read_activity(ALL, "24h", NOW).leaders
    assert [(leader.place.source, leader.change and leader.change.text) for leader in leaders] == [
        ("hub", "new"),
        ("harbor", "−50 %"),
    ]


def test_all_time_begins_with_the_first_count() -> None:
    """However long ago that was."""
    app = make_repository("team/app")
    count(app, pulls=5, at=NOW - timedelta(days=100))
    count(app, pulls=7, at=NOW)
    points, chart = read_chart(ALL, "all", NOW)
    assert (len(points), sum(point.pulls for point in points)) == (101, 12)
    assert chart is not None


def test_nothing_counted_is_no_chart() -> None:
    """And no board."""
    activity = read_activity(ALL, "7d", NOW)
    assert (activity.chart, list(activity.leaders)) == (None, [])
