"""Removing what is too old, and what becomes of those who have not read it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from notifications.log import leases, trimming
from notifications.log.consume import BatchConsumer, Head, LeaseLost, StreamConsumer, open_feed, read_events
from notifications.log.listing import list_events, list_latest
from notifications.log.models import Consumer, Event, LogTail
from notifications.log.recent import Recent
from notifications.log.runners import BatchRunner
from notifications.log.tasks import trim_log
from notifications.log.trimming import trim
from registryhub.config.keeping import EventLog
from tests.notifications.delivery.stage import log_events
from tests.notifications.log.making import new_sequencer, run_dry, store
from tests.rest import staff

pytestmark = pytest.mark.django_db

STAFF = User(is_staff=True)
WEEK = 7 * 24 * 3600.0


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a log of millions."""
    monkeypatch.setattr(trimming, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr("notifications.log.moments.PROBES", 4)
    monkeypatch.setattr("notifications.log.moments.ROUGHLY", 5)
    monkeypatch.setattr(trimming, "ROUGHLY", 5)


def keep(*, seconds: float = 0.0, events: int = 0) -> EventLog:
    return EventLog.model_validate({"keep": round(seconds * 10**9), "max_events": events})


def trim_to(**bounds: float) -> None:
    trim(keep(**bounds), lambda: False)  # type: ignore[arg-type]


def left() -> list[int]:
    return list(Event.objects.order_by("seq").values_list("seq", flat=True))


def log_by_age(*days: int) -> None:
    for each in days:
        log_events(1, received_at=timezone.now() - timedelta(days=each))


@pytest.mark.parametrize("events", [1, 6, 7, 8, 49, 50, 51])
def test_so_many_events_stay(events: int) -> None:
    """The newest ones; and to remove again removes nothing more."""
    log_events(50)
    for _ in range(2):
        trim_to(events=events)
        assert left() == list(range(max(1, 51 - events), 51))


def test_events_stay_for_so_long() -> None:
    """By when they came in, exactly, however the moment is found."""
    log_by_age(*([30] * 20), *([8] * 9), *([6] * 20), 0)
    trim_to(seconds=WEEK)
    assert left() == list(range(30, 51))


def test_a_log_that_is_old_as_a_whole_goes_as_a_whole_and_its_numbers_go_on() -> None:
    """No number is given twice."""
    log_by_age(30, 30, 30)
    trim_to(seconds=WEEK)
    assert left() == []
    store("new")
    assert [event.seq for event in run_dry(new_sequencer())] == [4]


def test_without_bounds_everything_stays() -> None:
    """Zero is no bound, and so is a log younger and smaller than both."""
    log_by_age(3000, 2, 1)
    trim_to()
    trim_to(events=3)
    assert left() == [1, 2, 3]
    trim_to(seconds=WEEK, events=1)
    assert left() == [3]


def test_it_ends_between_two_batches_when_it_is_to_stop() -> None:
    """And goes on there the next time."""
    log_events(50)
    answers = iter([False, True])
    trim(keep(events=10), lambda: next(answers))
    assert left()[0] == 8
    trim_to(events=10)
    assert left()[0] == 41


def test_only_one_removes_at_a_time() -> None:
    """The tail is a lease; it is given back in the end."""
    log_events(9)
    LogTail.objects.create(pk=1)
    lease = leases.take(leases.TAIL, "somebody else")
    assert lease
    trim_to(events=1)
    assert len(left()) == 9
    leases.release(lease)
    trim_to(events=1)
    assert left() == [9]
    assert LogTail.objects.get().holder == ""


def test_pages_begin_at_the_tail_and_end_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks from the beginning is not sent through millions of numbers that are gone."""
    monkeypatch.setattr("notifications.log.listing.LOOKED_AT", 3)
    log_events(50)
    trim_to(events=4)
    page = list_events(STAFF, after=0, limit=9)
    assert ([event.seq for event in page.events], page.tail, page.head) == ([47, 48, 49], 47, 50)
    page = list_latest(STAFF, before=None, limit=2)
    assert ([event.seq for event in page.events], page.next) == ([50, 49], 49)
    page = list_latest(STAFF, before=49, limit=2)
    assert ([event.seq for event in page.events], page.next) == ([48, 47], None)
    document = staff().get("events?after=3").document
    assert (document["events"][0]["seq"], document["tail"]) == (47, 47)


def test_a_consumer_that_falls_behind_is_told_so_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """Its place is taken away from whoever holds it; the one who takes it anew starts at the tail."""
    log_events(50)
    hook = StreamConsumer("hook", lambda feed: None)
    feed = open_feed(hook, holder="relay", head=Head())
    assert feed
    Consumer.objects.create(name="ahead", position=45)
    Consumer.objects.create(name="off", position=12)
    trim_to(events=20)
    with pytest.raises(LeaseLost), transaction.atomic():
        feed.move(3)
    assert [record.getMessage()[:72] for record in caplog.records] == [
        "consumer hook fell behind the log: 30 events were removed before it came",
        "consumer off fell behind the log: 18 events were removed before it came ",
    ]
    feed = open_feed(hook, holder="relay", head=Head())
    assert feed
    assert [event.seq for event in feed.read(2)] == [31, 32]
    rows = {row["name"]: row for row in staff().get("log").document["consumers"]}
    assert {name: (row["position"], row["lost"]) for name, row in rows.items()} == {
        "ahead": (45, 0),
        "hook": (30, 30),
        "off": (30, 18),
    }
    assert rows["hook"]["lost_at"]
    assert rows["ahead"]["lost_at"] is None
    trim_to(events=10)
    assert Consumer.objects.get(name="hook").lost == 40


def test_a_batch_consumer_goes_on_at_the_tail_too() -> None:
    """What it was given before it lost its place is undone with its position."""
    log_events(50)
    seen: list[int] = []
    runner = BatchRunner(BatchConsumer("counter", lambda events: seen.extend(e.seq for e in events), 5), "relay")
    runner.take()
    trim_to(events=8)
    assert not runner.step(Recent())
    runner.take()
    while runner.step(Recent()):
        pass
    assert seen == list(range(43, 51))


def test_a_new_consumer_begins_with_the_oldest_event_and_has_lost_nothing() -> None:
    """What was removed before it was there is no loss of its own."""
    log_events(9)
    trim_to(events=2)
    feed = open_feed(StreamConsumer("hook", lambda feed: None), holder="relay", head=Head())
    assert feed
    assert [event.seq for event in read_events(feed.position, 9)] == [8, 9]
    trim_to(events=2)
    assert Consumer.objects.get().lost == 0


def test_a_worker_does_it_by_the_configuration(settings: Settings) -> None:
    """hub.log.keep and hub.log.max_events."""
    log_events(5)
    hub = settings.HUB.hub.model_copy(update={"log": keep(events=2)})
    settings.HUB = settings.HUB.model_copy(update={"hub": hub})
    trim_log()
    assert left() == [4, 5]
