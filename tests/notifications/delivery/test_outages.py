"""Outages: when operators are told, when the hub stops trying, and how it goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery.definitions.pauses import resume_endpoint
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Endpoint, Notice
from notifications.delivery.sending.notices import write_span
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.scripted import Answer
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> list[tuple[str, int]]:
    return list(Notice.objects.order_by("id").values_list("kind", "level"))


def failing_for(hours: float) -> None:
    """Let the endpoint have failed for so long, up to a moment that lies more than its backoff of an hour back.

    The next failure then counts the hour that it had to wait.
    """
    failed_at = timezone.now() - timedelta(hours=2)
    Endpoint.objects.update(consecutive_failures=9, failing_seconds=hours * 3600, last_failure_at=failed_at)


def test_gone_is_gone(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """410 disables the endpoint, with the reason and a message; the event is the first one after a resume."""
    caplog.set_level("INFO")
    log_events(3)
    with WebhookReceiver(answers=[200, 410]) as receiver:
        configure(settings, configured("a", receiver.url, maxattempts=1))
        start_at(0, "a")
        with relay() as running:
            assert wait_until(lambda: endpoint("a").stopped_at is not None, 10)
        assert (endpoint("a").state, running.position("a")) == (Endpoint.State.DISABLED, 1)
        assert "410 Gone" in endpoint("a").stop_reason
        assert consumers() == []
        assert said() == [("disabled", 0)]
        assert "endpoint a: it was disabled: it answered 410 Gone" in caplog.text
        resume_endpoint(endpoint("a"))
        with relay() as running:
            running.wait_for("a", 3)
    assert ids(receiver.events()) == [1, 2, 3]
    assert endpoint("a").state == Endpoint.State.DELIVERING


@pytest.mark.parametrize(("hours", "level"), [(4.1, 50), (6.1, 70), (8.1, 90)])
def test_operators_are_told_how_far_an_outage_has_come(settings: Settings, hours: float, level: int) -> None:
    """Once a level, over restarts too, and once that it is over."""
    log_events(1)
    with WebhookReceiver(default=503) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h", disableafter="10h"))
        start_at(0, "a")
        consumers()
        for requests in (1, 2):
            failing_for(hours)
            with relay():
                receiver.wait_for(requests)
                assert wait_until(lambda: endpoint("a").consecutive_failures == 10, 10)
        assert said() == [("alert", level)]
        assert endpoint("a").is_active
        receiver.answer_with(200)
        failing_for(hours)
        with relay() as running:
            running.wait_for("a", 1)
    assert said() == [("alert", level), ("recovered", 0)]
    assert endpoint("a").alert_level == 0


def test_an_endpoint_that_failed_for_too_long_is_disabled(settings: Settings) -> None:
    """With a message of its own; a resume begins with a clean slate."""
    log_events(1)
    with WebhookReceiver(default=Answer(503)) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h", disableafter="10h"))
        start_at(0, "a")
        consumers()
        failing_for(9.5)
        with relay():
            assert wait_until(lambda: endpoint("a").stopped_at is not None, 10)
        assert consumers() == []
        assert said() == [("disabled", 100)]
        assert "503 Service Unavailable" in endpoint("a").stop_reason
        resume_endpoint(endpoint("a"))
        with relay() as running:
            receiver.wait_for(2)
            assert wait_until(lambda: endpoint("a").consecutive_failures == 1, 10)
        assert running.position("a") == 0
    assert said() == [("disabled", 100)]


def test_without_a_limit_nobody_is_disabled(settings: Settings) -> None:
    """As in the reference: an endpoint may be down for ever."""
    log_events(1)
    with WebhookReceiver(default=503) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h"))
        start_at(0, "a")
        consumers()
        failing_for(1e6)
        with relay():
            receiver.wait_for(1)
            assert wait_until(lambda: endpoint("a").consecutive_failures == 10, 10)
    assert said() == []
    assert endpoint("a").is_active


def test_a_receiver_that_asks_for_time_gets_it(settings: Settings) -> None:
    """Below the threshold as well; the row says until when."""
    log_events(1)
    with WebhookReceiver(default=Answer(429, headers=(("Retry-After", "1800"),))) as receiver:
        configure(settings, configured("a", receiver.url, threshold=9, maxbackoff="1h"))
        start_at(0, "a")
        with relay() as running:
            receiver.wait_for(1)
            assert wait_until(lambda: endpoint("a").next_try_at is not None, 10)
            running.feeds["endpoint:a"].pause(0.3)
    row = endpoint("a")
    assert (len(receiver.requests), row.state) == (1, Endpoint.State.BACKING_OFF)
    assert row.next_try_at is not None
    assert row.last_failure_at is not None
    assert (row.next_try_at - row.last_failure_at).total_seconds() == 1800


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.0, "5 s"), (90.0, "90 s"), (720.0, "12 min"), (129_600.0, "36 h"), (432_000.0, "5 days")]
)
def test_a_span_is_written_for_people(seconds: float, words: str) -> None:
    """In the unit that leaves a small number of at least two."""
    assert write_span(seconds) == words
