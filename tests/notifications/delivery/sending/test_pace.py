"""How often an endpoint is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from notifications.delivery.endpoints import consumers
from notifications.delivery.models import DeadLetter
from notifications.delivery.sending.pace import BURST_SECONDS, Pace
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.webhook_receiver import WebhookReceiver


@given(st.floats(0.5, 1000.0), st.lists(st.floats(0.0, 2.0), max_size=80))
def test_no_span_of_time_has_more_requests_than_it_may(per_second: float, works: list[float]) -> None:
    """Whatever the requests take: so many a second, one more at its edge, and the little that was saved before."""
    pace = Pace(per_second)
    now, times = 100.0, []
    for work in works:
        now += pace.wait_seconds(now)
        times.append(now)
        pace.took(now)
        now += work
    for start, first in enumerate(times):
        for number, last in enumerate(times[start:], 1):
            assert number <= (last - first + BURST_SECONDS) * per_second + 1 + 1e-6


def test_a_limit_that_is_always_used_is_met() -> None:
    """Sleeps that last too long, by less than what is saved, do not lower the rate."""
    pace = Pace(100.0)
    now = 0.0
    for _ in range(1000):
        if pace.wait_seconds(now) > 0:
            now += pace.wait_seconds(now) + 0.005
        pace.took(now)
    assert now == pytest.approx(10.0, abs=0.2)


def test_without_a_limit_nobody_waits() -> None:
    """Nothing is counted."""
    pace = Pace(0.0)
    for _ in range(1000):
        pace.took(1.0)
    assert pace.wait_seconds(1.0) == 0.0


@pytest.mark.parametrize("text", ["0/s", "10/s", "90/m", "7/h", "3600/s"])
def test_a_rate_is_shown_as_it_may_be_written(text: str) -> None:
    """In the shortest unit in which it is a whole number."""
    endpoint = configured("a", "http://a.example/", ratelimit=text)
    shown = endpoint.model_dump(mode="json", by_alias=True)["ratelimit"]
    assert configured("a", "http://a.example/", ratelimit=shown) == endpoint
    assert shown == text


@pytest.mark.django_db(transaction=True)
def test_the_rest_waits_and_resends_wait_too(settings: Settings) -> None:
    """At one an hour there is one; the row says so, and the events stay in their order."""
    log_events(5)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, ratelimit="1/h"))
        consumers()
        start_at(0, "a")
        row = endpoint("a")
        with relay() as running:
            receiver.wait_for(1)
            DeadLetter.objects.create(
                endpoint=row, send_to=row, state="queued", reason="age", seq=9, attempts=1, document="{}"
            )
            running.wait_for("a", 1)
            running.feeds["endpoint:a"].pause(0.3)
    assert ids(receiver.events()) == [1]
    assert DeadLetter.objects.get().state == "queued"
    assert row.rate_limit_per_second == pytest.approx(1 / 3600)
