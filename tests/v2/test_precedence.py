import pytest

from registryhub.v2 import precedence as module
from registryhub.v2.app import give_way
from registryhub.v2.precedence import PUSH_SECONDS, STEP_ASIDE_SECONDS, Precedence


class Clock:
    """Stands in for `time`: sleeping moves it on and is remembered."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_pulls_do_not_wait_when_nobody_pushes(clock: Clock) -> None:
    """Nor does what asks in the middle of a push."""
    precedence = Precedence()
    give_way(precedence, "GET")
    give_way(precedence, "PATCH")
    give_way(precedence, "HEAD")
    assert clock.slept == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_pull_steps_aside_once_for_a_push(clock: Clock, method: str) -> None:
    """For a moment, however many push."""
    precedence = Precedence()
    give_way(precedence, method)
    give_way(precedence, method)
    give_way(precedence, "GET")
    assert clock.slept == [STEP_ASIDE_SECONDS]


def test_a_long_upload_slows_nobody_down(clock: Clock) -> None:
    """It counts only while it begins."""
    precedence = Precedence()
    give_way(precedence, "PATCH")
    clock.now += PUSH_SECONDS
    give_way(precedence, "GET")
    assert clock.slept == []
