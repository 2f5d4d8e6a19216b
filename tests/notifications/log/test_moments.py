"""Finding a moment in the log."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from notifications.log import moments
from notifications.log.models import Event
from notifications.log.moments import find_moment
from tests.notifications.delivery.stage import log_events

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a log of millions."""
    monkeypatch.setattr(moments, "PROBES", 4)
    monkeypatch.setattr(moments, "ROUGHLY", 2)


@pytest.fixture
def log(db: None) -> None:
    """A hundred events, one a minute; number 1 came in at the first minute."""
    for event in log_events(100):
        event.received_at = BEGAN + timedelta(minutes=event.seq)
        event.save(update_fields=["received_at"])


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("minute", [0, 1, 2, 25, 50, 77, 99, 100, 101, 1000])
def test_a_moment_is_found_nearly(minute: int) -> None:
    """Never too late, and too early by so many at most."""
    exact = max(1, min(minute, 101))
    assert exact - 2 <= find_moment(BEGAN + timedelta(minutes=minute), 100) <= exact


@pytest.mark.usefixtures("log")
def test_a_log_whose_beginning_is_gone_is_searched_too() -> None:
    """What is no longer there came in before everything else."""
    Event.objects.filter(seq__lte=60).delete()
    assert 78 <= find_moment(BEGAN + timedelta(minutes=80), 100) <= 80
    assert 1 <= find_moment(BEGAN, 100) <= 61


@pytest.mark.usefixtures("log")
def test_each_query_divides_what_is_left(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """By the number of probes: a hundred events and four probes are three queries; a short log needs none."""
    with django_assert_num_queries(3):
        find_moment(BEGAN + timedelta(minutes=33), 100)
    with django_assert_num_queries(0):
        assert find_moment(BEGAN, 2) == find_moment(BEGAN, 0) == 1
