"""What is written down: batches, failures, counters, the position; and how little of it is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery.models import Attempt, Endpoint
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending import attempts as rows
from notifications.delivery.sending import ledger as books
from notifications.delivery.sending.ledger import Ledger
from notifications.log.consume import Feed, Head, StreamConsumer, open_feed, read_events
from notifications.log.models import Consumer
from registryhub.config.notifications import Notifications
from tests.notifications.delivery.stage import log_events

pytestmark = pytest.mark.django_db(transaction=True)

OK = Outcome(0.25, 200)
REFUSED = Outcome(0.5, 503, "answered 503 Service Unavailable", b"no")
LOST = Outcome(1.0, None, "no answer within 1 s")


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint.objects.create(name="a", url="http://a.example/", threshold=2, backoff_seconds=60.0)


@pytest.fixture
def feed(endpoint: Endpoint) -> Feed:
    feed = open_feed(StreamConsumer(endpoint.consumer_name, lambda feed: None), holder="me", head=Head())
    assert feed is not None
    return feed


@pytest.fixture
def ledger(endpoint: Endpoint, feed: Feed) -> Ledger:
    return Ledger(endpoint, feed)


def position() -> int:
    return Consumer.objects.get(name="endpoint:a").position


def test_successes_are_one_row_a_batch(ledger: Ledger, endpoint: Endpoint) -> None:
    """The row grows over several saves; events that were skipped do not count into it."""
    log_events(6)
    first, second, third, fourth, fifth, sixth = read_events(0, 6)
    ledger.succeed([first], OK)
    ledger.skip(second.seq)
    ledger.save()
    ledger.succeed([third], OK)
    ledger.skip(third.seq)
    ledger.save()
    assert position() == 3
    [row] = Attempt.objects.all()
    assert (row.is_success, row.first_seq, row.seq, row.events, row.event_id) == (True, 1, 3, 2, "event-3")
    assert (row.status, row.duration_seconds) == (200, 0.5)
    ledger.succeed([fourth], Outcome(0.25, 202))
    ledger.fail([fifth], LOST)
    ledger.succeed([fifth], OK)
    ledger.succeed([sixth], OK)
    ledger.save()
    kept = Attempt.objects.order_by("id").values_list("first_seq", "seq", "status", "is_success")
    assert sorted(kept) == [(1, 3, 200, True), (4, 4, 202, True), (5, 5, None, False), (5, 6, 200, True)]
    saved = Endpoint.objects.get(pk=endpoint.pk)
    assert (saved.successes, saved.failures, saved.errors) == (5, 0, 1)
    assert saved.statuses == {"200 OK": 4, "202 Accepted": 1}
    assert saved.last_success_at is not None


def test_a_batch_ends_after_a_while(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of tomorrow is not added to the row of today."""
    monkeypatch.setattr(rows, "BATCH_SECONDS", 0.0)
    log_events(2)
    for event in read_events(0, 2):
        ledger.succeed([event], OK)
        ledger.save()
    assert list(Attempt.objects.order_by("id").values_list("first_seq", "seq")) == [(1, 1), (2, 2)]


def test_every_failure_is_a_row_and_moves_nothing(ledger: Ledger, endpoint: Endpoint) -> None:
    """Refusals and lost answers are counted apart, as in the reference."""
    log_events(1)
    [event] = read_events(0, 1)
    for outcome in (REFUSED, LOST, REFUSED):
        ledger.fail([event], outcome)
    ledger.save()
    assert position() == 0
    assert Attempt.objects.filter(is_success=False, seq=1).count() == 3
    row = Endpoint.objects.get(pk=endpoint.pk)
    assert (row.failures, row.errors, row.consecutive_failures) == (2, 1, 3)
    assert row.last_error == REFUSED.error
    assert row.statuses == {"503 Service Unavailable": 2}
    assert row.next_try_at is not None
    assert 0 < row.retry_in_seconds(timezone.now()) <= 60.0


def test_saving_is_due_after_so_many_events_or_so_long(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before."""
    monkeypatch.setattr(books, "SAVE_REQUESTS", 3)
    monkeypatch.setattr(books, "SAVE_SECONDS", 3600.0)
    log_events(5)
    seen = []
    for event in read_events(0, 5):
        ledger.succeed([event], OK)
        ledger.skip(event.seq)
        ledger.save_if_due()
        seen.append(position())
    assert seen == [0, 0, 3, 3, 3]
    monkeypatch.setattr(books, "SAVE_SECONDS", 0.0)
    ledger.save_if_due()
    assert position() == 5
    assert ledger.is_settled


def test_ignored_events_cause_few_writes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are, only the time since the last save counts."""
    monkeypatch.setattr(books, "SAVE_REQUESTS", 3)
    monkeypatch.setattr(books, "SKIP_SECONDS", 3600.0)
    log_events(50)
    for event in read_events(0, 50):
        ledger.skip(event.seq)
        ledger.save_if_due()
    assert position() == 0
    assert not ledger.is_settled
    monkeypatch.setattr(books, "SKIP_SECONDS", 0.0)
    ledger.save_if_due()
    assert position() == 50


def test_the_state_of_the_last_holder_is_taken_up(endpoint: Endpoint, feed: Feed) -> None:
    """Failures and the rest of the wait; a clock that was set back costs one backoff at most."""
    Endpoint.objects.update(consecutive_failures=5, last_failure_at=timezone.now() - timedelta(seconds=20))
    retry = Ledger(Endpoint.objects.get(), feed).retry
    assert 38.0 < retry.wait_seconds(retry.last_failure + 20) <= 40.0
    Endpoint.objects.update(last_failure_at=timezone.now() + timedelta(days=1))
    ahead = Ledger(Endpoint.objects.get(), feed).retry
    assert ahead.wait_seconds(ahead.last_failure) == 60.0


def test_a_pause_is_noticed_when_saving(ledger: Ledger) -> None:
    """So that an operator need not wait for the relay to look."""
    ledger.save()
    assert not ledger.is_held
    Endpoint.objects.update(is_paused=True)
    ledger.save()
    assert ledger.is_held


def test_a_dead_endpoint_does_not_fill_the_disk(
    ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the newest failures are kept, and successes are not pushed out by them."""
    settings.HUB = settings.HUB.model_copy(
        update={"notifications": Notifications.model_validate({"attempts": {"max": 5}})}
    )
    monkeypatch.setattr(rows, "PRUNE_ROWS", 3)
    monkeypatch.setattr(rows, "PRUNE_EVERY", 10)
    log_events(2)
    first, second = read_events(0, 2)
    ledger.succeed([first], OK)
    for _ in range(50):
        ledger.fail([second], REFUSED)
        ledger.save()
    ids = list(Attempt.objects.filter(is_success=False).order_by("id").values_list("id", flat=True))
    assert 5 <= len(ids) <= 15
    assert Attempt.objects.filter(is_success=True).count() == 1
    assert Endpoint.objects.get().failures == 50
