"""How the endpoints do at a glance."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.delivery.glance import glance
from notifications.delivery.models import Endpoint
from notifications.log.models import Consumer
from tests.notifications.delivery.stage import log_events, start_at

pytestmark = pytest.mark.django_db


def make_endpoint(name: str, position: int, **fields: int) -> None:
    start_at(position, name)
    Endpoint.objects.create(name=name, url="https://example.org/", **fields)


def test_what_waits_is_between_the_position_and_the_head() -> None:
    """Since the first of it came in."""
    first = log_events(5)[3]
    make_endpoint("behind", 3)
    make_endpoint("there", 5)
    found = {endpoint.name: backlog for endpoint, backlog in glance(10)}
    assert (found["behind"].pending, found["behind"].oldest_pending_at) == (2, first.received_at)
    assert (found["there"].pending, found["there"].oldest_pending_at) == (0, None)


def test_those_in_trouble_come_first() -> None:
    """Then by name, and no more than are wanted."""
    log_events(1)
    for name, failures in (("b", 0), ("a", 0), ("c", 7)):
        make_endpoint(name, 1, consecutive_failures=failures)
    assert [endpoint.name for endpoint, _ in glance(2)] == ["c", "a"]


def test_an_endpoint_without_a_place_waits_for_a_relay() -> None:
    """Nothing is known of what waits for it."""
    log_events(1)
    Endpoint.objects.create(name="new", url="https://example.org/")
    Endpoint.objects.create(name="gone", url="https://example.org/", is_absent=True)
    ((endpoint, backlog),) = glance(10)
    assert (endpoint.name, backlog.position, backlog.is_attended) == ("new", None, False)


def test_a_place_is_attended_while_a_relay_holds_it() -> None:
    """By the lease."""
    log_events(1)
    make_endpoint("web", 1)
    for ends_in, is_attended in ((60, True), (-60, False)):
        Consumer.objects.update(expires_at=timezone.now() + timedelta(seconds=ends_in))
        assert glance(1)[0][1].is_attended is is_attended


def test_many_endpoints_cost_one_query() -> None:
    """However far they are behind."""
    log_events(20)
    for number in range(30):
        make_endpoint(f"e{number}", number % 20)
    with CaptureQueriesContext(connection) as queries:
        assert len(glance(50)) == 30
    assert len(queries) == 1
