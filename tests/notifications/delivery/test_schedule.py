"""The sender and its books as a whole, with a clock of the test's: each attempt is made when a model says so."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.models import Endpoint
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending import ledger as books
from notifications.delivery.sending import send
from notifications.delivery.sending.ledger import Ledger
from notifications.delivery.sending.pace import BURST_SECONDS, Pace
from notifications.delivery.sending.parcels import Batch
from notifications.delivery.sending.send import Sender
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
START = 1000.0


class Answer(NamedTuple):
    """To an attempt: how long it takes, with what status, what the receiver asks for, and what the jitter draws."""

    seconds: float
    status: int | None
    asked: float
    drawn: float


GOOD, GONE = Answer(0.01, 200, 0.0, 0.5), Answer(0.01, 410, 0.0, 0.5)


class Clock:
    """Stands in for `time` and for `timezone`: it moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = START

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        return MOMENT + timedelta(seconds=self.seconds - START)


class Book(Ledger):
    """The real books, written to nowhere."""

    def save(self) -> None:
        self._unsaved = 0
        self._feed.position = self.position


class Quiet:
    """No letters to send again, nothing to say, and every event is wanted."""

    is_busy = False

    def takes(self, event: LoggedEvent) -> bool:
        return True

    def work_off(self) -> None: ...

    def accepted(self, *_: object) -> None: ...

    def refused(self, *_: object) -> None: ...


def _event(seq: int) -> LoggedEvent:
    texts = ("lib/img", "", "", "", 0, "", "", "", "PUT", "", "{}")
    return LoggedEvent(seq, HUB_SOURCE_ID, f"event-{seq}", MOMENT, MOMENT, "push", *texts)


class Log:
    """So many events, all there from the start; it ends the sender when all are dealt with."""

    def __init__(self, count: int, clock: Clock) -> None:
        self._events = [_event(seq) for seq in range(1, count + 1)]
        self._clock = clock
        self.position = 0

    @property
    def stopping(self) -> bool:
        return self.position == len(self._events)

    def read(self, limit: int, *, after: int) -> list[LoggedEvent]:
        return self._events[after : after + limit]

    def wait(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    pause = wait


class Case(NamedTuple):
    """How an endpoint is set up, how many events wait for it, and what it answers at first; later it takes everything.

    `gone_at` is the attempt that is answered 410.
    """

    keys: dict[str, Any]
    per_second: float
    batch: Batch
    waiting: int
    answers: Sequence[Answer]
    gone_at: int | None = None


class Try(NamedTuple):
    began: float
    first: int
    size: int


def run(case: Case) -> tuple[list[Try], Endpoint]:
    """What the sender does."""
    clock, tries, endpoint = Clock(), [], Endpoint(name="a", **case.keys)
    log: Any = Log(case.waiting, clock)
    answers = _script(case)
    quiet: Any = Quiet()
    with pytest.MonkeyPatch.context() as patch:
        for module in (send, books):
            patch.setattr(module, "time", clock)
            patch.setattr(module, "timezone", clock)
        ledger = Book(endpoint, log)

        def post(documents: list[Any]) -> Outcome:
            answer = next(answers)
            tries.append(Try(clock.seconds, ledger.position + 1, len(documents)))
            clock.sleep(answer.seconds)
            ledger.retry.draw = lambda: answer.drawn
            error = "" if answer.status and answer.status < 300 else "refused"
            return Outcome(answer.seconds, answer.status, error, asked_seconds=answer.asked)

        pace = Pace(case.per_second)
        Sender(
            feed=log, wanted=quiet, batch=case.batch, post=post, pace=pace, ledger=ledger, side=quiet, reports=quiet
        ).run()
    return tries, endpoint


def _script(case: Case) -> Iterator[Answer]:
    """All answers, without an end."""
    for number, answer in enumerate(itertools.chain(case.answers, itertools.repeat(GOOD))):
        yield GONE if number == case.gone_at else answer


class Model:
    """The same, told from the page about webhooks."""

    def __init__(self, case: Case) -> None:
        self.keys, self.case, self.answers = case.keys, case, _script(case)
        self.now, self.next_pace = START, 0.0
        self.failures = self.last_failure = self.delay = self.failing = 0.0
        self.is_disabled = False
        self.given_up = 0
        self.tries: list[Try] = []

    def run(self) -> list[Try]:
        for first in range(1, self.case.waiting + 1, self.case.batch.size):
            size = min(self.case.batch.size, self.case.waiting - first + 1)
            if size < self.case.batch.size:
                self.now = max(self.now, START + self.case.batch.wait_seconds)
            self.deliver(first, size)
            if self.is_disabled:
                break
        return self.tries

    def deliver(self, first: int, size: int) -> None:
        attempts = 0
        while True:
            answer = self.attempt(first, size)
            if answer.status == 200:
                self.failures = self.failing = self.delay = 0.0
                return
            attempts += 1
            self.fail(answer)
            if self.is_disabled:
                return
            if attempts == self.keys["max_attempts"] or 0 < self.keys["max_age_seconds"] <= self.now - START:
                self.given_up += size
                return

    def attempt(self, first: int, size: int) -> Answer:
        wait_until = self.last_failure + self.delay if self.failures else 0.0
        self.now = max(self.now, wait_until, self.next_pace if self.case.per_second else 0.0)
        self.tries.append(Try(self.now, first, size))
        if self.case.per_second:
            self.next_pace = max(self.next_pace, self.now - BURST_SECONDS) + 1 / self.case.per_second
        answer = next(self.answers)
        self.now += answer.seconds
        return answer

    def fail(self, answer: Answer) -> None:
        keys = self.keys
        self.failing += self.now - self.last_failure if self.failures else 0.0
        self.failures, self.last_failure = self.failures + 1, self.now
        self.delay = keys["backoff_seconds"] if self.failures >= keys["threshold"] else 0.0
        if longest := keys["max_backoff_seconds"]:
            grown = min(self.delay * 2.0 ** max(0, self.failures - keys["threshold"]), longest)
            self.delay = max(grown * (0.8 + 0.4 * answer.drawn), min(answer.asked, longest))
        lasted = 0 < keys["disable_after_seconds"] <= self.failing
        self.is_disabled = answer.status == 410 or lasted


def some(*values: float) -> st.SearchStrategy[float]:
    return st.sampled_from((0.0, *values))


STATUSES = st.sampled_from((500, 429, 503, None, 301, 200))
ANSWERS = st.lists(
    st.builds(Answer, st.floats(0.001, 1.0), STATUSES, some(1.5, 60.0), st.floats(0.0, 1.0)), min_size=15, max_size=30
)
KEYS = st.fixed_dictionaries(
    {
        "threshold": st.integers(1, 5),
        "backoff_seconds": st.floats(0.05, 2.0),
        "max_backoff_seconds": some(2.5, 6.0),
        "max_attempts": st.sampled_from((0, 0, 0, 1, 5)),
        "max_age_seconds": some(5.0, 15.0),
        "disable_after_seconds": some(10.0, 30.0),
    }
)
CASES = st.builds(
    Case,
    KEYS,
    some(1.5, 20.0),
    st.builds(Batch, st.integers(1, 4), some(1.0, 3.0)),
    st.integers(1, 12),
    ANSWERS,
    st.sampled_from((None, None, None, 5, 15)),
)
PLAIN = {"max_backoff_seconds": 0.0, "max_attempts": 0, "max_age_seconds": 0.0, "disable_after_seconds": 0.0}


@given(CASES)
def test_each_attempt_is_made_when_the_model_makes_it(case: Case) -> None:
    """Backoff that grows, jitter, Retry-After, attempts, age, disabling, 410, rate and batches, all at once."""
    tries, endpoint = run(case)
    model = Model(case)
    expected = model.run()
    assert [each[1:] for each in tries] == [each[1:] for each in expected]
    assert [each.began for each in tries] == pytest.approx([each.began for each in expected], rel=0, abs=1e-6)
    assert endpoint.given_up == model.given_up


@given(st.integers(1, 6), st.floats(0.05, 2.0), st.integers(1, 10), ANSWERS)
def test_without_extensions_it_is_the_reference(
    threshold: int, backoff: float, count: int, answers: list[Answer]
) -> None:
    """C.4: wait `max(0, last_failure + backoff - now)` once there are `threshold` failures in a row, without end."""
    keys = {"threshold": threshold, "backoff_seconds": backoff, **PLAIN}
    tries, _ = run(Case(keys, 0.0, Batch(), count, answers))
    now, last_failure, recent, expected = START, 0.0, 0, []
    script = iter([*answers, *[GOOD] * count])
    for number in range(1, count + 1):
        while True:
            now += max(0.0, last_failure + backoff - now) if recent >= threshold else 0.0
            expected.append((now, number))
            answer = next(script)
            now += answer.seconds
            if answer.status == 200:
                recent = 0
                break
            recent, last_failure = recent + 1, now
    assert [each.first for each in tries] == [first for _, first in expected]
    assert [each.began for each in tries] == pytest.approx([began for began, _ in expected], rel=0, abs=1e-6)
