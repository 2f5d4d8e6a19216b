"""What waits for an endpoint."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from notifications.delivery import backlog as backlogs
from notifications.delivery.backlog import Backlog, describe, measure_backlogs
from notifications.delivery.models import Endpoint
from notifications.log.consume import Head, StreamConsumer, open_feed
from tests.notifications.delivery.stage import log_events, start_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint.objects.create(name="a", url="http://a.example/", ignored_actions=["delete"])


def measure(endpoint: Endpoint) -> Backlog:
    return measure_backlogs([endpoint])[endpoint.pk]


def test_only_what_the_endpoint_gets_is_pending(endpoint: Endpoint) -> None:
    """Behind counts everything; the age is that of the oldest pending event since it came in."""
    now = timezone.now()
    log_events(2)
    log_events(3, action="delete", received_at=now - timedelta(hours=2))
    log_events(2, received_at=now - timedelta(minutes=1))
    log_events(2)
    start_at(2, "a")
    backlog = measure(endpoint)
    assert (backlog.position, backlog.behind, backlog.pending, backlog.is_exact) == (2, 7, 4, True)
    assert backlog.oldest_pending_seconds(now) == 60.0


def test_nothing_waits_at_the_head(endpoint: Endpoint) -> None:
    """Nor for an endpoint that is so new that it has no position."""
    assert measure(endpoint) == Backlog(None)
    log_events(3)
    start_at(3, "a")
    assert measure(endpoint) == Backlog(3)
    assert measure(endpoint).oldest_pending_seconds(timezone.now()) is None


def test_a_long_queue_is_not_counted_out(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit every event counts as pending, and that is said."""
    monkeypatch.setattr(backlogs, "COUNTED_EVENTS", 4)
    log_events(1)
    log_events(3, action="delete")
    log_events(6)
    start_at(0, "a")
    backlog = measure(endpoint)
    assert (backlog.behind, backlog.pending, backlog.is_exact) == (10, 7, False)


def test_a_list_costs_three_queries(endpoint: Endpoint, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """However many endpoints are behind, and whatever each of them ignores."""
    others = [Endpoint.objects.create(name=name, url="http://b.example/") for name in "bcde"]
    log_events(3)
    log_events(1, action="delete")
    start_at(4, "b", "c")
    start_at(3, "a")
    start_at(1, "d", "e")
    with django_assert_num_queries(3):
        found = measure_backlogs([endpoint, *others])
    assert [found[row.pk].pending for row in (endpoint, *others)] == [0, 0, 0, 3, 3]
    assert found[others[2].pk].oldest_pending_at is not None


def test_a_queue_that_nobody_works_on_is_told_apart(endpoint: Endpoint) -> None:
    """Whether a relay holds the endpoint's place is part of the state."""
    assert describe(endpoint, measure(endpoint), timezone.now()) == "waiting for a relay to take it up"
    open_feed(StreamConsumer(endpoint.consumer_name, lambda feed: None), holder="me", head=Head())
    assert measure(endpoint).is_attended
    assert describe(endpoint, measure(endpoint), timezone.now()) == "delivering"
    endpoint.is_paused = True
    assert describe(endpoint, measure(endpoint), timezone.now()) == "paused"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "delivering"),
        ({"consecutive_failures": 1, "next_try_at": None}, "retrying at once"),
        ({"consecutive_failures": 1}, "retry in 6 s"),
        ({"consecutive_failures": 2}, "retry in 6 s"),
        ({"consecutive_failures": 2, "is_paused": True}, "paused"),
        ({"is_disabled": True}, "disabled"),
        ({"stopped_at": timezone.now(), "stop_reason": "410"}, "disabled: 410"),
        ({"is_absent": True}, "no longer configured"),
    ],
)
def test_the_state_has_words(values: dict[str, object], words: str) -> None:
    """Those that the admin shows."""
    now = timezone.now()
    values = {"next_try_at": now + timedelta(seconds=5.5), **values}
    endpoint = Endpoint(name="a", threshold=2, backoff_seconds=10, **values)
    assert describe(endpoint, Backlog(0, is_attended=True), now) == words


def test_a_clock_that_jumped_does_not_show_hours(endpoint: Endpoint) -> None:
    """The wait is never shown longer than the backoff."""
    now = timezone.now()
    endpoint = Endpoint(name="a", threshold=2, backoff_seconds=10, consecutive_failures=2)
    endpoint.next_try_at = now + timedelta(days=1)
    assert endpoint.retry_in_seconds(now) == 10
    endpoint.next_try_at = now - timedelta(days=1)
    assert endpoint.retry_in_seconds(now) == 0


def test_a_filter_that_no_query_can_say_is_tried_out(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event that waits is looked at, up to a limit; beyond it every one counts as pending, and that is said."""
    endpoint.filter = {"tags": ["v*"], "actions": ["push"]}
    now = timezone.now()
    log_events(3, tag="latest", received_at=now - timedelta(hours=2))
    log_events(2, tag="v1", received_at=now - timedelta(minutes=1))
    log_events(1, tag="v1", action="pull")
    start_at(0, "a")
    backlog = measure(endpoint)
    assert (backlog.behind, backlog.pending, backlog.is_exact) == (6, 2, True)
    assert backlog.oldest_pending_seconds(now) == 60.0
    monkeypatch.setattr(backlogs, "TRIED_EVENTS", 4)
    backlog = measure(endpoint)
    assert (backlog.behind, backlog.pending, backlog.is_exact) == (6, 3, False)
    endpoint.filter = {"tags": ["v1"]}
    backlog = measure(endpoint)
    assert (backlog.behind, backlog.pending, backlog.is_exact) == (6, 3, True)


def test_a_filter_that_takes_nothing_leaves_nothing_pending(endpoint: Endpoint) -> None:
    """However far behind the endpoint is."""
    endpoint.filter = {"repositories": ["other/**"]}
    log_events(3)
    start_at(0, "a")
    backlog = measure(endpoint)
    assert (backlog.behind, backlog.pending, backlog.is_exact, backlog.oldest_pending_at) == (3, 0, True, None)
