"""Whether each consumer has moved past the probe, and why not."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications.log.consume import BatchConsumer
from notifications.log.doctor import consumers
from notifications.log.doctor.advice import Advice, Advices
from notifications.log.doctor.consumers import await_consumers
from notifications.log.models import Consumer, LogHead
from notifications.log.recent import Recent
from notifications.log.runners import BatchRunner
from registryhub.doctor.findings import Finding
from tests.notifications.log import making

pytestmark = pytest.mark.django_db

KNOWN: dict[str, Advice | None] = {}


def advices() -> Advices:
    return KNOWN


@pytest.fixture(autouse=True)
def _advised(settings: Settings) -> None:
    """Nothing is known of anybody, unless a test says so."""
    KNOWN.clear()
    settings.CONSUMER_ADVICE = [f"{__name__}.advices"]


@pytest.fixture(autouse=True)
def head() -> int:
    """Four events in the log, and a relay that holds it."""
    making.store("a", "b", "c", "d")
    making.sequence_all()
    hold(LogHead.objects.get(pk=1))
    return 4


def hold(place: LogHead | Consumer, holder: str = "relay:7") -> None:
    place.holder, place.expires_at = holder, timezone.now() + timedelta(seconds=60)
    place.save()


def make_consumer(name: str, position: int, *, is_held: bool = True) -> None:
    consumer = Consumer.objects.create(name=name, position=position)
    if is_held:
        hold(consumer)


def examine(seq: int | None = 4) -> Mapping[str, Finding]:
    """The findings by name, without patience."""
    return {finding.name: finding for finding in await_consumers(seq, 0)}


def test_who_has_moved_past_the_probe_is_well() -> None:
    """And says how long it took."""
    make_consumer("counters", 4)
    finding = examine()["counters"]
    assert (finding.state, finding.words) == ("ok", "has dealt with event 4")
    assert finding.seconds is not None


def test_a_consumer_that_fails_is_named_with_its_error() -> None:
    """The relay writes it down where it catches it."""
    make_consumer("counters", 0, is_held=False)

    def fail(_: object) -> None:
        raise ValueError("no room for a repository")

    runner = BatchRunner(BatchConsumer("counters", fail, 2), "relay:7")
    runner.take()
    assert runner.step(Recent()) is False
    finding = examine()["counters"]
    assert finding.state == "stopped"
    assert finding.words == "fails at event 1: ValueError: no room for a repository; events behind the head: 4"


def test_an_error_it_has_got_over_is_not_told_again() -> None:
    """It has moved since; that it stands still now has another reason."""
    made: list[Exception] = [ValueError("once")]

    def fail_once(_: object) -> None:
        if made:
            raise made.pop()

    making.store("e")
    runner = BatchRunner(BatchConsumer("counters", fail_once, 1), "relay:7")
    runner.take()
    runner.step(Recent())
    runner._pause.reset()
    runner._pause._until = 0.0
    assert runner.step(Recent()) is True
    finding = examine()["counters"]
    assert finding.words == "the relay relay:7 holds its place and does not move; events behind the head: 3"
    assert finding.state == "stopped"


def test_who_comes_nearer_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long backlog is worked off; nothing is broken."""
    make_consumer("counters", 1)

    def wait(is_over: object, seconds: float) -> bool:
        Consumer.objects.update(position=2)
        return False

    monkeypatch.setattr(consumers, "wait_until", wait)
    finding = examine()["counters"]
    assert (finding.state, finding.words) == ("slow", "comes nearer; events behind the head: 2")


def test_without_a_relay_nobody_is_run() -> None:
    """The sequencer's finding says more."""
    LogHead.objects.update(holder="", expires_at=None)
    make_consumer("counters", 1, is_held=False)
    assert examine()["counters"].words == "no relay runs it"


def test_a_place_of_an_earlier_configuration_is_no_fault() -> None:
    """The relay runs, and takes whoever listens within a second: nobody does."""
    make_consumer("endpoint:gone", 1, is_held=False)
    finding = examine()["endpoint:gone"]
    assert (finding.state, "earlier configuration" in finding.words) == ("skipped", True)


def test_who_is_expected_and_not_taken_up_is_a_fault() -> None:
    """As after a change of the configuration that the relay has not read."""
    KNOWN["endpoint:ci"] = Advice("endpoint ci", "is well")
    finding = examine()["endpoint ci"]
    assert (finding.state, finding.words) == ("stopped", "the relay has not taken it up")
    assert "SIGHUP" in finding.mend


def test_trouble_that_is_known_explains_why_one_stands_still() -> None:
    """With what to do; who has moved past the probe says how it does."""
    make_consumer("endpoint:ci", 1)
    make_consumer("endpoint:chat", 4)
    KNOWN["endpoint:ci"] = Advice("endpoint ci", "answers 503", is_in_trouble=True, mend="Wake it.")
    KNOWN["endpoint:chat"] = Advice("endpoint chat", "accepts all")
    found = examine()
    assert found["endpoint ci"].words == "answers 503; events behind the head: 3"
    assert (found["endpoint ci"].state, found["endpoint ci"].mend) == ("stopped", "Wake it.")
    assert (found["endpoint chat"].state, found["endpoint chat"].words) == ("ok", "accepts all")


def test_a_verdict_counts_whatever_the_position_says() -> None:
    """Whoever is paused is, and who is left out is not told of."""
    make_consumer("endpoint:ci", 4)
    make_consumer("endpoint:old", 0)
    KNOWN.update({"endpoint:ci": Advice("endpoint ci", "paused", "stopped"), "endpoint:old": None})
    found = examine()
    assert found.keys() == {"endpoint ci"}
    assert (found["endpoint ci"].state, found["endpoint ci"].words) == ("stopped", "paused")


def test_what_the_probe_did_not_reach_is_told_as_far_as_it_is_known() -> None:
    """No consumer is blamed for what is stopped before it."""
    make_consumer("counters", 1)
    KNOWN["endpoint:ci"] = Advice("endpoint ci", "answers 503", is_in_trouble=True)
    found = examine(None)
    assert (found["counters"].state, found["counters"].words) == ("skipped", "the probe did not get that far")
    assert (found["endpoint ci"].state, found["endpoint ci"].words) == ("stopped", "answers 503")


def test_it_is_not_waited_for_those_who_cannot_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only for a moment, in which the relay might take them up."""
    make_consumer("endpoint:gone", 1, is_held=False)
    monkeypatch.setattr(consumers, "SLOW_SECONDS", 0.0)
    found = {finding.name for finding in await_consumers(4, 3600)}
    assert found == {"endpoint:gone"}
