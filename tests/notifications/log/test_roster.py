import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from django.db import OperationalError
from pytest_django import Settings

from notifications.log import leases
from notifications.log.consume import BatchConsumer, Feed, Head, LoggedEvent, StreamConsumer
from notifications.log.models import Consumer
from notifications.log.recent import Recent
from notifications.log.roster import Roster
from tests.notifications.log.making import sequence_all, store
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

listeners: list[BatchConsumer | StreamConsumer] = []
complaints: list[Exception] = []


def listen() -> Sequence[BatchConsumer | StreamConsumer]:
    if complaints:
        raise complaints.pop()
    return tuple(listeners)


def ignore(events: Sequence[LoggedEvent]) -> None:
    """A consumer that is content with having seen them."""


def until_stopped(feed: Feed) -> None:
    while not feed.stopping:
        feed.wait(60)


@pytest.fixture
def roster(settings: Settings) -> Iterator[Roster]:
    """Of one relay, named ann."""
    listeners[:] = []
    settings.EVENT_CONSUMERS = [f"{__name__}.listen"]
    made = Roster(holder="ann", head=Head())
    yield made
    made.stop(10)


def refreshed_until(roster: Roster, condition: Callable[[], bool]) -> bool:
    """Whether the condition came true while the relay went on asking who listens."""

    def is_true() -> bool:
        roster.refresh()
        return condition()

    return wait_until(is_true, 10)


def holders() -> dict[str, str]:
    return dict(Consumer.objects.values_list("name", "holder"))


def test_consumers_come_and_go(roster: Roster) -> None:
    """Their rows are made when they are first seen, and stay when they vanish."""
    roster.refresh()
    assert holders() == {}
    listeners[:] = [BatchConsumer("counters", ignore), StreamConsumer("hook", until_stopped)]
    roster.refresh()
    assert holders() == {"counters": "ann", "hook": "ann"}
    listeners[:] = []
    roster.refresh()
    assert wait_until(lambda: set(holders().values()) == {""}, 10)
    roster.refresh()
    assert roster.batches == []
    listeners[:] = [StreamConsumer("hook", until_stopped)]
    roster.refresh()
    assert holders() == {"counters": "", "hook": "ann"}


def test_one_that_comes_back_before_its_thread_has_ended_waits_for_it(roster: Roster) -> None:
    """Never two threads for one endpoint."""
    may_end = threading.Event()
    running = []

    def linger(feed: Feed) -> None:
        running.append(feed)
        assert len([each for each in running if not each.stopping]) == 1
        until_stopped(feed)
        may_end.wait(30)

    listeners[:] = [StreamConsumer("hook", linger)]
    roster.refresh()
    assert wait_until(lambda: len(running) == 1, 10)
    listeners[:] = []
    roster.refresh()
    listeners[:] = [StreamConsumer("hook", linger)]
    roster.refresh()
    assert len(running) == 1
    may_end.set()
    assert refreshed_until(roster, lambda: len(running) == 2)


def test_batch_consumers_stand_in_order_of_importance(roster: Roster) -> None:
    """As settings name them, also when one is new."""
    listeners[:] = [BatchConsumer("b", ignore)]
    roster.refresh()
    listeners[:] = [BatchConsumer("c", ignore), BatchConsumer("b", ignore), BatchConsumer("a", ignore)]
    roster.refresh()
    assert [runner.consumer.name for runner in roster.batches] == ["c", "b", "a"]


def test_whoever_cannot_say_who_listens_keeps_whom_it_named_before(
    roster: Roster, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug there must not stop deliveries."""
    listeners[:] = [BatchConsumer("counters", ignore)]
    roster.refresh()
    complaints.append(KeyError("a bug"))
    roster.refresh()
    assert [runner.consumer.name for runner in roster.batches] == ["counters"]
    assert "does not say who listens" in caplog.text


def test_a_database_that_is_away_is_for_the_relay_to_deal_with(roster: Roster) -> None:
    """It is not taken for nobody listening."""
    complaints.append(OperationalError("gone"))
    with pytest.raises(OperationalError):
        roster.refresh()


def test_places_are_taken_anew_after_they_were_lost(roster: Roster) -> None:
    """The database was away, or another relay was here in the meantime."""
    store("a")
    sequence_all()
    listeners[:] = [BatchConsumer("counters", ignore), StreamConsumer("hook", until_stopped)]
    roster.refresh()
    roster.lose()
    roster.refresh()
    assert [runner.step(Recent()) for runner in roster.batches] == [True]
    Consumer.objects.update(holder="bob", epoch=99)
    roster.check(leases.renew("ann"))
    roster.refresh()
    assert holders() == {"counters": "bob", "hook": "bob"}
    Consumer.objects.update(holder="")
    assert refreshed_until(roster, lambda: set(holders().values()) == {"ann"})


def test_a_setting_that_names_nothing_is_said_at_once(settings: Settings) -> None:
    """Not after the first event."""
    settings.EVENT_CONSUMERS = [f"{__name__}.nobody"]
    with pytest.raises(ImportError, match="nobody"):
        Roster(holder="ann", head=Head())


def test_a_thread_that_hangs_does_not_hold_up_the_end(roster: Roster, caplog: pytest.LogCaptureFixture) -> None:
    """Its place comes free when its lease runs out."""
    may_end = threading.Event()

    def hang(feed: Feed) -> None:
        may_end.wait(30)

    listeners[:] = [StreamConsumer("hook", hang), BatchConsumer("counters", ignore)]
    roster.refresh()
    roster.stop(0.1)
    assert holders() == {"counters": "", "hook": "ann"}
    assert "hook does not stop" in caplog.text
    may_end.set()
