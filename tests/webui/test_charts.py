"""Charts as coordinates."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.analytics.compact import compact
from notifications.analytics.series import Point
from webui.charts import ceiling, draw, moment, spark

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def hours(*pulls: int, pushes: tuple[int, ...] = ()) -> list[Point]:
    """One point an hour from noon on."""
    points = [Point(NOON + timedelta(hours=index), pulls=count) for index, count in enumerate(pulls)]
    for index in pushes:
        points[index].pushes = 1
    return points


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (21, 40), (41, 80), (81, 100), (1234, 2000), (10**12, 10**12)],
)
def test_the_top_parts_into_four_round_numbers(most: int, top: int) -> None:
    """So that each line of the chart can be read."""
    assert ceiling(most) == top


@given(st.integers(0, 2**62))
def test_the_top_is_never_below_the_most(most: int) -> None:
    """And never so far above that the chart is flat."""
    assert most <= ceiling(most) <= max(4, 5 * most)
    assert ceiling(most) % 4 == 0


def test_where_nothing_was_counted_there_is_no_chart() -> None:
    """A flat line would look like a broken one."""
    assert draw(hours(0, 0, 0), "hour") is None
    assert draw([], "hour") is None


def test_points_are_placed_from_edge_to_edge() -> None:
    """The last one is not over yet: its line is another."""
    chart = draw(hours(0, 4, 2), "hour")
    assert chart is not None
    assert chart.line == "M0.0,100.0 L500.0,0.0"
    assert chart.unfinished == "M500.0,0.0 L1000.0,50.0"
    assert chart.pulls == "M0.0,100.0 L500.0,0.0 L500.0,100.0 L0.0,100.0"
    assert [tick.text for tick in chart.levels] == ["0", "1", "2", "3", "4"]


def test_checks_stand_on_top_of_the_pulls() -> None:
    """Both together are as high as all that asked."""
    points = hours(2, 2, 0)
    points[1].checks = 2
    chart = draw(points, "hour")
    assert chart is not None
    assert chart.checks == "M0.0,50.0 L500.0,0.0 L500.0,50.0 L0.0,50.0"


def test_a_single_point_is_a_level() -> None:
    """The first hour of a hub."""
    chart = draw(hours(3), "hour")
    assert chart is not None
    assert chart.unfinished == "M0.0,25.0 L1000.0,25.0"


def test_pushes_are_marked_where_they_were() -> None:
    """With lines while they are few."""
    chart = draw(hours(1, 1, 1, 1, 1, pushes=(1, 4)), "hour")
    assert chart is not None
    assert [mark.at for mark in chart.marks] == [25, 100]
    assert chart.has_lines
    many = draw(hours(*[1] * 20, pushes=tuple(range(20))), "hour")
    assert many is not None
    assert not many.has_lines


@pytest.mark.parametrize("count", [2, 7, 8, 25, 57, 169])
def test_words_below_the_hours_never_crowd(count: int) -> None:
    """At most eight, from left to right."""
    chart = draw(hours(*[1] * count), "hour")
    assert chart is not None
    places = [tick.at for tick in chart.moments]
    assert len(places) <= 8
    assert places == sorted(places)


@pytest.mark.parametrize("count", [2, 8, 31, 91, 120, 1000])
def test_words_below_the_days_never_crowd(count: int) -> None:
    """The last one is today."""
    points = [Point(NOON + timedelta(days=index), pulls=1) for index in range(count)]
    chart = draw(points, "day")
    assert chart is not None
    assert 2 <= len(chart.moments) <= 6
    assert chart.moments[-1].at == 100
    assert chart.moments[-1].anchor == "end"


def test_points_have_words() -> None:
    """For the tip of the pointer and the table."""
    assert moment(NOON, "hour") == "Tue 24 Nov, 12:00"
    assert moment(NOON, "day") == "Tue 24 Nov"
    assert moment(NOON, "week") == "week of 24 Nov 2026"
    assert moment(NOON, "month") == "November 2026"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (950, "950"), (9500, "9,500"), (12_000, "12k"), (1_500_000, "1.5M"), (2 * 10**9, "2G")],
)
def test_large_numbers_take_little_room(number: int, text: str) -> None:
    """Beside the chart only."""
    assert compact(number) == text


def test_a_spark_is_as_high_as_its_highest() -> None:
    """Nothing is flat at the bottom."""
    assert spark([0, 5, 10]) == "0.0,24.0 48.0,13.0 96.0,2.0"
    assert spark([0, 0]) == "0.0,24.0 96.0,24.0"
    assert spark([]) == ""
