"""Limits of how fast a source may send."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from notifications.log.models import Intake
from notifications.receiver import pace
from notifications.receiver.models import Pace
from notifications.receiver.sources import add_source
from registryhub.access.models import Source
from tests.notifications.receiver.posting import Answer, envelope, event, post

pytestmark = pytest.mark.django_db


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.time)

    def go_on(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def token(db: None) -> str:
    """Of a source that may send two events a second."""
    return add_source("edge", events_per_second=2)[1]


def send(token: str, count: int, first: int = 0) -> Answer:
    return post(envelope(*(event(f"e-{number}") for number in range(first, first + count))), token)


def test_who_sends_too_fast_is_told_when_to_come_again(token: str, clock: Clock) -> None:
    """429 with Retry-After, after which it is taken; ten seconds' worth may come at once."""
    assert [send(token, 1, number).status for number in range(21)] == [202] * 21
    answer = send(token, 1, 21)
    assert answer.status == 429
    assert answer.all("retry-after") == ["1"]
    assert "2 events a second" in answer.error["detail"]
    assert Intake.objects.count() == 21
    clock.go_on(1)
    assert send(token, 1, 21).status == 202


def test_a_large_envelope_is_taken_whole_and_waited_for_afterwards(token: str, clock: Clock) -> None:
    """It would never fit a limit by the second, and a registry would send it for ever."""
    assert send(token, 1000).document["accepted"] == 1000
    assert send(token, 1, 1000).all("retry-after") == ["490"]
    clock.go_on(490)
    assert send(token, 1, 1000).status == 202


def test_of_two_envelopes_at_once_one_waits(token: str, clock: Clock) -> None:
    """Both were let in before either was counted: the second is refused when it is stored."""
    edge = Source.objects.get(name="edge")
    pace.check_pace(edge)
    pace.keep_busy(edge, 30)
    with pytest.raises(Exception, match="come again in 5 s"):
        pace.keep_busy(edge, 30)


def test_what_is_known_already_costs_nothing(token: str, clock: Clock) -> None:
    """A sender that has not heard our answer sends it again, and is let go on."""
    send(token, 1)
    busy_until = Pace.objects.get().busy_until
    post({"events": []}, token)
    assert Pace.objects.get().busy_until == busy_until


def test_without_a_limit_nothing_is_written_down() -> None:
    """As all sources are at first."""
    token = add_source("free")[1]
    assert send(token, 50).status == 202
    assert not Pace.objects.exists()
