"""Windows of time, and what came before them."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.analytics.series import Point
from notifications.analytics.windows import WINDOWS, Window
from webui.panels.windows import before_window, coarser, in_words, parse_window, window_span

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def test_an_unknown_window_is_the_week() -> None:
    """Whatever is typed into the address."""
    assert [parse_window(text) for text in ("24h", "all", "", "8d")] == ["24h", "all", "7d", "7d"]


@pytest.mark.parametrize(("window", "points"), [("24h", 25), ("7d", 184), ("30d", 31), ("90d", 91)])
def test_a_window_has_a_point_for_each_step(window: Window, points: int) -> None:
    """The hour or day that is not over among them."""
    assert len(window_span(window, NOW, None).starts()) == points


@pytest.mark.parametrize(("days", "interval"), [(0, "day"), (120, "day"), (121, "week"), (900, "week"), (901, "month")])
def test_all_time_is_shown_in_longer_steps_the_longer_it_is(days: int, interval: str) -> None:
    """So that it can be looked at."""
    assert window_span("all", NOW, NOW - timedelta(days=days)).interval == interval


def test_all_time_of_a_hub_that_has_counted_nothing_is_today() -> None:
    """One point."""
    assert len(window_span("all", NOW, None).starts()) == 1


def test_points_are_added_up() -> None:
    """From midnight on, whenever the first one is."""
    hours = [Point(NOW.replace(hour=hour, minute=0), pulls=1) for hour in (5, 6, 7, 8, 9)]
    assert [(point.start.hour, point.pulls) for point in coarser(hours, 3)] == [(3, 1), (6, 3), (9, 1)]


def test_the_time_before_is_exactly_as_long() -> None:
    """Half of this hour is over: of the hour at the other edge half counts."""
    before = before_window("24h", NOW)
    assert before is not None
    hours = [NOW.replace(minute=0) - timedelta(hours=age) for age in range(60)]
    assert sum(before.weight(hour) for hour in hours) == 24.5
    assert before.weight(before.edge) == 0.5
    assert before.end == NOW.replace(minute=0) - timedelta(hours=24)


def test_the_weeks_before_are_made_of_days() -> None:
    """Today is not over either."""
    before = before_window("7d", NOW)
    assert before is not None
    days = [NOW.replace(hour=0, minute=0) - timedelta(days=age) for age in range(30)]
    assert sum(before.weight(day) for day in days) == pytest.approx(7 + 15.5 / 24)


def test_nothing_was_before_all_time() -> None:
    """So there is no change."""
    assert before_window("all", NOW) is None


def test_every_window_has_words() -> None:
    """For the heads of cards."""
    assert [in_words(window) for window in WINDOWS][:2] == ["last 24 hours", "last 7 days"]
