"""Going through a part of the log again."""

from collections.abc import Sequence

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from notifications.log.consume import BatchConsumer, Feed, Head, LeaseLost, StreamConsumer, open_feed
from notifications.log.models import Consumer
from notifications.log.replay import ReplayRefused, replay
from notifications.log.runners import StreamRunner
from notifications.log.trimming import trim
from registryhub.config.keeping import EventLog
from tests.notifications.delivery.stage import log_events
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

seen: list[int] = []


def consumers() -> Sequence[BatchConsumer | StreamConsumer]:
    return (BatchConsumer("counter", lambda events: None), StreamConsumer("hook", stream))


def stream(feed: Feed) -> None:
    while not feed.stopping:
        for event in feed.read(3):
            seen.append(event.seq)
            with transaction.atomic():
                feed.move(event.seq)
        feed.wait(0.01)


@pytest.fixture(autouse=True)
def listening(settings: Settings) -> None:
    settings.EVENT_CONSUMERS = [f"{__name__}.consumers"]
    seen.clear()


def reached(position: int, name: str = "hook") -> None:
    log_events(20)
    Consumer.objects.create(name=name, position=position)


def run_to(position: int) -> None:
    """As the relay does it, again and again, until the consumer is there."""
    head = Head()
    head.reach(20)
    runner = StreamRunner(StreamConsumer("hook", stream), holder="relay", head=head)

    def has_come() -> bool:
        runner.take()
        place = Consumer.objects.get(name="hook")
        return place.position == position and place.resume_at is None

    try:
        assert wait_until(has_come, 30, 0.02), Consumer.objects.values().get()
    finally:
        runner.stop()
        runner.join(30)


def test_everything_since_an_event_is_sent_again() -> None:
    """And then what is new."""
    reached(18)
    assert replay("hook", first=15).last == 18
    run_to(20)
    assert seen == [15, 16, 17, 18, 19, 20]


@pytest.mark.parametrize(("first", "last"), [(5, 5), (5, 9), (1, 18), (5, 18), (5, 100)])
def test_a_range_is_sent_again_and_then_it_goes_on_where_it_was(first: int, last: int) -> None:
    """Nothing in between is sent, and nothing is left out."""
    reached(18)
    replay("hook", first=first, last=last)
    run_to(20)
    assert seen == [*range(first, min(last, 18) + 1), 19, 20]


def test_a_replay_is_replaced_by_another_and_still_ends_where_it_all_began() -> None:
    """Also when the first one is under way."""
    reached(18)
    replay("hook", first=2, last=9)
    Consumer.objects.update(position=4)
    replay("hook", first=7, last=8)
    run_to(20)
    assert seen == [7, 8, 19, 20]
    replay("hook", first=3, last=4)
    replay("hook", first=19)
    assert Consumer.objects.values_list("position", "resume_at", "replay_until").get() == (18, None, None)


def test_whoever_runs_the_consumer_takes_it_anew() -> None:
    """So a position that it has in mind is never written over the replay."""
    reached(18)
    hook = StreamConsumer("hook", stream)
    feed = open_feed(hook, holder="relay", head=Head())
    assert feed
    replay("hook", first=5)
    with pytest.raises(LeaseLost), transaction.atomic():
        feed.move(19)
    feed = open_feed(hook, holder="relay", head=Head())
    assert feed
    assert feed.position == 4


def test_changes_end_with_the_replay_too() -> None:
    """A reader of changes alone moves to its end and no further."""
    reached(18)
    replay("hook", first=5, last=9)
    head = Head()
    head.reach(20)
    feed = open_feed(StreamConsumer("hook", stream), holder="relay", head=head)
    assert feed
    span = feed.read_changes(100)
    assert ([event.seq for event in span.events], span.end) == ([5, 6, 7, 8, 9], 9)


def test_a_replay_whose_events_are_removed_meanwhile_has_lost_nothing() -> None:
    """They had been sent before; it goes on with what is left of it, or where it was."""
    reached(18)
    replay("hook", first=2, last=9)
    trim(EventLog.model_validate({"keep": 0, "max_events": 14}), lambda: False)
    assert Consumer.objects.values_list("position", "resume_at", "lost").get() == (6, 18, 0)
    trim(EventLog.model_validate({"keep": 0, "max_events": 5}), lambda: False)
    run_to(20)
    assert seen == [19, 20]
    assert Consumer.objects.get().lost == 0


@pytest.mark.parametrize(
    ("name", "first", "last", "reason"),
    [
        ("counter", 1, None, "exactly once"),
        ("nobody", 1, None, "there are: counter, hook"),
        ("hook", 3, None, "oldest event in the log is 11"),
        ("hook", 19, None, "has come to event 18 only"),
        ("hook", 15, 14, "comes before the first"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_with_the_mend(
    name: str, first: int, last: int | None, reason: str
) -> None:
    """Counters would count twice; what was removed or never sent cannot be sent again."""
    reached(18)
    trim(EventLog.model_validate({"keep": 0, "max_events": 10}), lambda: False)
    with pytest.raises(ReplayRefused, match=reason):
        replay(name, first=first, last=last)
    assert Consumer.objects.get(name="hook").position == 18


def test_a_consumer_that_never_ran_has_nothing_to_do_again() -> None:
    """There is no place to set back."""
    with pytest.raises(ReplayRefused, match="has not begun"):
        replay("hook", first=1)


def test_the_command_says_what_will_happen(capsys: pytest.CaptureFixture[str]) -> None:
    """And a refusal is one line."""
    reached(18)
    call_command("replay", "--consumer", "hook", "--from", "5", "--to", "7")
    assert capsys.readouterr().out == "hook goes through events 5 to 7 again, and then on after 18.\n"
    with pytest.raises(CommandError, match="Nobody listens"):
        call_command("replay", "--consumer", "ci", "--from", "5")
