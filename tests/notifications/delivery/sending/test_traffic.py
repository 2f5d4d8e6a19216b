"""What may go out while several requests are under way: order, retries and waits, against a model of them.

The clock is the test's: it goes to the next answer, or to the next moment at which something may go out.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.sending import traffic as module
from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.parcels import Batch
from notifications.delivery.sending.retry import Policy, Retry
from notifications.delivery.sending.traffic import Shipment, Traffic
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.config.notifications import OrderName

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")


def event(seq: int, repository: str) -> LoggedEvent:
    texts = ("", "", "", 0, "", "", "", "PUT", "", "{}")
    return LoggedEvent(seq, HUB_SOURCE_ID, f"event-{seq}", MOMENT, MOMENT, "push", repository, *texts)


class Answer(NamedTuple):
    """To an attempt: how long it takes, whether it fails, what the receiver asks for, what is drawn for the jitter."""

    seconds: float
    fails: bool
    asked: float
    drawn: float


class Sent(NamedTuple):
    """An attempt: when it began and when it was answered, its events, and whether it failed."""

    began: float
    ended: float
    events: tuple[int, ...]
    fails: bool


@dataclass(slots=True)
class Run:
    """A whole delivery: the traffic, driven as the sender drives it."""

    order: OrderName
    most: int
    policy: Policy
    repositories: Sequence[str]
    answers: Sequence[Answer]
    batch: Batch = field(default_factory=Batch)
    rate: float = 0.0
    refuses: str = ""
    sent: list[Sent] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    now: float = 100.0
    retry: Retry = field(init=False)
    traffic: Traffic = field(init=False)

    def script(self) -> Iterator[Answer]:
        """What the attempts are answered, one after the other, and then each within a moment with a success."""
        return itertools.chain(self.answers, itertools.repeat(Answer(0.01, False, 0.0, 0.5)))

    def lanes(self, sent: Sent) -> set[object]:
        return {self.repositories[seq - 1] if self.order == "repository" else seq for seq in sent.events}

    def run(self) -> None:
        """Until all is dealt with. Raises AssertionError when nothing goes on."""
        self.run_until(math.inf)

    def run_until(self, end: float) -> None:
        answers = self.script()
        self.retry = Retry(self.policy)
        self.traffic = Traffic(
            order=self.order, most=self.most, batch=self.batch, retry=self.retry, pace=Pace(self.rate), position=0
        )
        unread = [event(seq, name) for seq, name in enumerate(self.repositories, 1)]
        under_way: list[tuple[float, int, Shipment, Answer, float]] = []
        number = itertools.count()
        while self.now < end and (unread or self.traffic.position < len(self.repositories)):
            count = self.traffic.wanted
            if unread and count > 0:
                self.traffic.add(unread[:count], unread[:count][-1].seq)
                del unread[:count]
            while (shipment := self.traffic.take(self.now, self._today())) is not None:
                answer = self._answer_to(shipment, answers)
                under_way.append((self.now + answer.seconds, next(number), shipment, answer, self.now))
            self._pass_time(under_way)
            self.positions.append(self.traffic.position)
            self.settled.append(self._settled_up_to())

    def _answer_to(self, shipment: Shipment, answers: Iterator[Answer]) -> Answer:
        is_refused = self.refuses in [event.repository for event in shipment.events]
        return Answer(0.01, True, 0.0, 0.5) if is_refused else next(answers)

    def _settled_up_to(self) -> int:
        """The last number before which nothing is open, by what was answered."""
        done = {seq for sent in self.sent if not sent.fails for seq in sent.events} | {*self.given_up}
        return next(seq for seq in itertools.count(1) if seq not in done) - 1

    def _today(self) -> datetime:
        return MOMENT + timedelta(seconds=self.now - 100.0)

    def _pass_time(self, under_way: list[tuple[float, int, Shipment, Answer, float]]) -> None:
        """To the next answer, or to the moment at which the traffic says that something may go out."""
        until = self.now + self.traffic.wait_seconds(self.now, self._today())
        if under_way and min(under_way)[0] <= until:
            first = min(under_way)
            under_way.remove(first)
            self.now = max(self.now, first[0])
            self._answer(first[2], first[3], first[4])
            return
        assert until < math.inf
        self.now = max(until, math.nextafter(self.now, math.inf))

    def _answer(self, shipment: Shipment, answer: Answer, began: float) -> None:
        numbers = tuple(event.seq for event in shipment.events)
        self.sent.append(Sent(began, self.now, numbers, answer.fails))
        if not answer.fails:
            self.retry.succeeded()
            self.traffic.settle(shipment)
            return
        for retry in (shipment.own, self.retry):
            retry.draw = lambda: answer.drawn
            retry.failed(self.now, asked_seconds=answer.asked)
        if shipment.own.reason_to_give_up(0.0):
            self.given_up += numbers
            self.retry.gave_up()
            self.traffic.settle(shipment)
        else:
            self.traffic.put_back(shipment)


class Start(NamedTuple):
    """A request that may be made from a moment on: its events, and how often it has failed."""

    due: float
    events: tuple[int, ...]
    failures: int


class Model:
    """When which events should be tried, found by looking at everything again at each moment."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.now, self.recent, self.pause_until, self.pace_until = 100.0, 0, 0.0, 0.0
        names = run.repositories if run.order == "repository" else range(len(run.repositories))
        self.lane_of: dict[int, object] = dict(enumerate(names, 1))
        self.pending = list(self.lane_of)
        self.failed: list[Start] = []
        self.out: list[tuple[float, int, Start, Answer]] = []
        self.tried: list[tuple[float, tuple[int, ...]]] = []

    def attempts(self) -> list[tuple[float, tuple[int, ...]]]:
        answers = self.run.script()
        while self.pending or self.failed or self.out:
            start = self.next_start()
            may = len(self.out) < (1 if self.recent >= self.run.policy.threshold else self.run.most)
            begin = max(start.due, self.now, self.pause_until, self.pace_until)
            if may and start.events and (begin <= self.now or not self.out or begin < min(self.out)[0]):
                self.now = begin
                self.begin(self.next_start(), answers)  # by now another one may be due before it
            else:
                self.end()
        return self.tried

    def next_start(self) -> Start:
        """The failed one whose turn is the earliest, if it has come; else the oldest events of lanes that are free."""
        groups = [start.events for start in self.failed] + [start.events for _, _, start, _ in self.out]
        held = {self.lane_of[seq] for group in groups for seq in group}
        size = self.run.batch.size
        fresh = tuple(seq for seq in self.pending if self.lane_of[seq] not in held)[:size]
        if any(start.due <= self.now for start in self.failed) or not fresh:
            return min(self.failed, default=Start(math.inf, (), 0))
        gathers = self.run.batch.wait_seconds if len(fresh) < size else 0.0
        return min([*self.failed, Start(max(self.now, 100.0 + gathers), fresh, 0)])

    def begin(self, start: Start, answers: Iterator[Answer]) -> None:
        if start.due > self.now:
            return
        self.failed = [each for each in self.failed if each != start]
        self.pending = [seq for seq in self.pending if seq not in start.events]
        answer = next(answers)
        self.out.append((self.now + answer.seconds, len(self.tried), start, answer))
        self.tried.append((self.now, start.events))
        if self.run.rate:
            self.pace_until = max(self.pace_until, self.now - 0.1) + 1 / self.run.rate

    def end(self) -> None:
        self.now, _, start, answer = self.out.pop(self.out.index(min(self.out)))
        if not answer.fails:
            self.recent, self.pause_until = 0, 0.0
            return
        self.recent += 1
        self.pause_until = self.now + self.delay(self.recent, answer)
        failures = start.failures + 1
        if failures != self.run.policy.max_attempts:
            self.failed.append(Start(self.now + self.delay(failures, answer), start.events, failures))

    def delay(self, failures: int, answer: Answer) -> float:
        policy = self.run.policy
        wait = policy.backoff_seconds if failures >= policy.threshold else 0.0
        if not policy.max_backoff_seconds:
            return wait
        wait = min(wait * 2.0 ** max(0, failures - policy.threshold), policy.max_backoff_seconds)
        return max(wait * (0.8 + 0.4 * answer.drawn), min(answer.asked, policy.max_backoff_seconds))


ANSWERS = st.lists(
    st.builds(Answer, st.floats(0.001, 3.0), st.booleans(), st.sampled_from((0.0, 2.0, 50.0)), st.floats(0.0, 1.0)),
    max_size=40,
)
POLICIES = st.builds(
    Policy,
    st.integers(1, 6),
    st.floats(0.1, 5.0),
    max_backoff_seconds=st.sampled_from((0.0, 5.0, 20.0)),
    max_attempts=st.sampled_from((0, 1, 3)),
)
RUNS = st.builds(
    Run,
    order=st.sampled_from(("repository", "none")),
    most=st.integers(1, 5),
    policy=POLICIES,
    repositories=st.lists(st.sampled_from(NAMES), min_size=1, max_size=25),
    answers=ANSWERS,
    batch=st.builds(Batch, st.integers(1, 4), st.sampled_from((0.0, 1.5))),
    rate=st.sampled_from((0.0, 2.0, 20.0)),
)


@given(RUNS)
def test_it_tries_exactly_when_the_model_tries(run: Run) -> None:
    """Threshold, backoff, its growth, Retry-After, attempts, rate, batches, order and width, all at once."""
    run.run()
    tried = sorted((sent.began, sent.events) for sent in run.sent)
    expected = sorted(Model(run).attempts())
    assert [events for _, events in tried] == [events for _, events in expected]
    assert [began for began, _ in tried] == pytest.approx([began for began, _ in expected])


@given(RUNS)
def test_nothing_overtakes_what_it_must_not_and_nothing_is_lost(run: Run) -> None:
    """Of a repository one request at a time, in order; each event is accepted once or given up."""
    run.run()
    accepted = [seq for sent in run.sent if not sent.fails for seq in sent.events]
    assert sorted(accepted + run.given_up) == list(range(1, len(run.repositories) + 1))
    for first, second in itertools.combinations(run.sent, 2):
        if first.began < second.ended and second.began < first.ended:
            assert run.lanes(first).isdisjoint(run.lanes(second))
    for name in NAMES if run.order == "repository" else ():
        own = [[seq for seq in sent.events if run.repositories[seq - 1] == name] for sent in run.sent]
        assert [seqs for seqs in own if seqs] == sorted(seqs for seqs in own if seqs)
    for moment in {sent.began for sent in run.sent}:
        assert sum(sent.began <= moment < sent.ended for sent in run.sent) <= run.most
    assert run.positions == sorted(run.positions)
    assert all(position <= settled for position, settled in zip(run.positions, run.settled, strict=True))


@given(st.integers(1, 8), st.floats(0.1, 5.0), ANSWERS)
def test_with_one_lane_it_tries_exactly_when_the_reference_tries(
    threshold: int, backoff: float, answers: list[Answer]
) -> None:
    """C.4: `max(0, last_failure + backoff - now)` from the threshold on, however many might be under way."""
    run = Run("repository", 5, Policy(threshold, backoff), ["a"] * 10, answers)
    run.run()
    now, last_failure, recent = 100.0, 0.0, 0
    for sent in run.sent:
        now += max(0.0, last_failure + backoff - now) if recent >= threshold else 0.0
        assert sent.began == pytest.approx(now)
        now = sent.ended
        recent, last_failure = (recent + 1, now) if sent.fails else (0, last_failure)


def test_a_repository_that_is_refused_holds_up_no_other() -> None:
    """It waits by its own failures; those of the endpoint begin anew with each success of the others."""
    run = Run("repository", 2, Policy(3, 10.0), ["bad", *("good",) * 20], [])
    run.refuses = "bad"
    run.run_until(105.0)
    assert [seq for sent in run.sent if not sent.fails for seq in sent.events] == list(range(2, 22))
    assert sum(sent.fails for sent in run.sent) == 3
    assert run.traffic.position == 0
    assert run.traffic.first_failures == 3


def test_an_endpoint_that_is_down_gets_one_request_a_backoff() -> None:
    """However many may be under way: from the threshold on it is asked as if there were one."""
    run = Run("none", 8, Policy(10, 5.0), ["a"] * 30, [])
    run.refuses = "a"
    run.run_until(126.0)
    began = sorted(sent.began for sent in run.sent)
    assert len([moment for moment in began if moment < 104.0]) in range(10, 18)
    later = [moment for moment in began if moment > 104.0]
    assert [round(late - early, 3) for early, late in itertools.pairwise(later)] == [5.01] * 4


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One event that is refused for ever lets so many past it, and then the rest waits in the log."""
    monkeypatch.setattr(module, "AHEAD", 10)
    run = Run("none", 3, Policy(3, 10.0), ["bad", *("good",) * 50], [])
    run.refuses = "bad"
    run.run_until(105.0)
    assert [seq for sent in run.sent if not sent.fails for seq in sent.events] == list(range(2, 11))
    assert run.traffic.wanted == 0


def test_the_attempts_of_the_oldest_event_outlast_a_restart() -> None:
    """It is given up after as many as it may have."""
    retry = Retry(Policy(9, 1.0, max_attempts=3), failures=2, event_failures=2)
    traffic = Traffic(order="none", most=2, batch=Batch(), retry=retry, pace=Pace(0.0), position=0)
    traffic.add([event(1, "a"), event(2, "a")], 2)
    first, second = traffic.take(0.0, MOMENT), traffic.take(0.0, MOMENT)
    assert first is not None
    assert second is not None
    assert (first.own.event_failures, second.own.event_failures) == (2, 0)
