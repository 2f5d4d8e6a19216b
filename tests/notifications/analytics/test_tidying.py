"""What ends and what is forgotten while nothing happens."""

from datetime import UTC, date, datetime, timedelta

import pytest

from notifications.analytics import windows
from notifications.analytics.models import Puller, RepositoryDay, RepositoryTotals, SourceDay, SourceUseDay, Trace
from notifications.analytics.tidying import forget, move_windows_on
from tests.notifications.analytics.logged import counted, logged
from tests.notifications.analytics.tables import read_tables

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def test_traces_and_pullers_go_when_their_events_would_be_refused() -> None:
    """By when they last changed, not by the time they speak of: old events may come today."""
    counted(logged("pull", occurred_at=NOW - timedelta(days=400)))
    forget(3600, lambda: False)
    assert (Trace.objects.count(), Puller.objects.count()) == (1, 1)
    Trace.objects.update(changed_on=date(2020, 1, 1))
    Puller.objects.update(changed_on=date(2020, 1, 1))
    forget(3600, lambda: True)
    assert (Trace.objects.count(), Puller.objects.count()) == (1, 1)
    forget(3600, lambda: False)
    assert (Trace.objects.count(), Puller.objects.count()) == (0, 0)


def test_windows_end_though_nothing_happens() -> None:
    """An hour, a week, a month, a quarter later their numbers are gone; those of all time stay."""
    counted(logged("pull", occurred_at=NOW, received_at=NOW), logged("push", occurred_at=NOW, received_at=NOW))
    row = RepositoryTotals.objects.get()
    assert (row.pulls_24h, row.pulls_7d, row.pulls_30d, row.pulls_90d, row.pullers_7d) == (1, 1, 1, 1, 1)
    move_windows_on()
    assert RepositoryTotals.objects.get() == row
    expected = {1: (1, 1, 1, 1), 2: (0, 1, 1, 1), 9: (0, 0, 1, 1), 32: (0, 0, 0, 1), 92: (0, 0, 0, 0)}
    for days, numbers in expected.items():
        frame = windows.move_on(NOW + timedelta(days=days) - timedelta(hours=1))
        row = RepositoryTotals.objects.get()
        assert (row.pulls_24h, row.pulls_7d, row.pulls_30d, row.pulls_90d) == numbers
        assert frame.since["7d"] == windows.window_start("7d", NOW + timedelta(days=days) - timedelta(hours=1))
    assert (row.pulls, row.pushes, row.pullers, row.pullers_90d, row.pushes_90d, row.bytes_90d) == (1, 1, 1, 0, 0, 0)


def test_a_day_gets_rows_of_its_own_when_it_is_over() -> None:
    """Made of its hours; what comes later is added to both."""
    counted(logged("pull", occurred_at=NOW, received_at=NOW))
    assert not RepositoryDay.objects.exists()
    windows.move_on(NOW + timedelta(days=2))
    day = RepositoryDay.objects.get()
    assert (day.day, day.pulls, day.pullers, day.bytes) == (NOW.date(), 1, 1, 442)
    assert SourceDay.objects.get().pullers == 1
    assert SourceUseDay.objects.filter(pulls=1).count() == 2
    counted(logged("pull", occurred_at=NOW, received_at=NOW, address="10.9.9.9:1"))
    day = RepositoryDay.objects.get()
    assert (day.pulls, day.pullers, day.bytes) == (2, 2, 884)


def test_a_clock_that_was_set_back_a_little_moves_nothing() -> None:
    """Windows go forward."""
    counted(logged("pull", occurred_at=NOW, received_at=NOW))
    frame = windows.read_frame()
    assert windows.move_on(NOW - timedelta(hours=30)) == frame


def test_windows_are_made_anew_after_a_clock_that_ran_ahead() -> None:
    """They were empty until the year it had shown; what came meanwhile is in them again."""
    for days in (0, 0, 5, 20, 100):
        at = NOW - timedelta(days=days)
        counted(logged("pull", occurred_at=at, received_at=at, address=f"10.0.0.{days}:1"))
    expected = read_tables()["analytics_repositorytotals"]
    windows.move_on(NOW + timedelta(days=4000))
    assert RepositoryTotals.objects.get().pulls_90d == 0
    frame = windows.move_on(NOW)
    assert frame.since["7d"] == windows.window_start("7d", NOW)
    assert read_tables()["analytics_repositorytotals"] == expected
    counted(logged("pull", occurred_at=NOW, received_at=NOW))
    row = RepositoryTotals.objects.get()
    assert (row.pulls_24h, row.pulls_7d, row.pulls_30d, row.pulls_90d) == (3, 4, 5, 5)
