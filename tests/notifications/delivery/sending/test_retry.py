"""The state machine of an endpoint, against a model of the reference's."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.sending.retry import Policy, Retry, restored

THRESHOLD, BACKOFF = 3, 2.0
POLICY = Policy(THRESHOLD, BACKOFF)


def test_below_the_threshold_it_tries_again_at_once() -> None:
    """Two failures of three allowed cause no wait."""
    retry = Retry(POLICY)
    retry.failed(10.0)
    retry.failed(10.1)
    assert retry.wait_seconds(10.1) == 0.0


def test_from_the_threshold_on_it_waits_since_the_last_failure() -> None:
    """The backoff runs from the last failure, not from the moment of asking."""
    retry = Retry(POLICY)
    for moment in (10.0, 10.1, 10.2):
        retry.failed(moment)
    assert retry.wait_seconds(10.2) == BACKOFF
    assert retry.wait_seconds(11.2) == BACKOFF - 1.0
    assert retry.wait_seconds(99.0) == 0.0


def test_a_success_forgets_all_failures() -> None:
    """After it, the threshold counts anew."""
    retry = Retry(POLICY, failures=17, last_failure=5.0)
    retry.succeeded()
    assert retry.wait_seconds(5.0) == 0.0
    retry.failed(6.0)
    assert retry.wait_seconds(6.0) == 0.0


def test_a_restart_goes_on_with_the_wait() -> None:
    """What was left of the backoff when the process ended is left when the next begins."""
    retry = restored(POLICY, failures=5, since_failure_seconds=0.5, now=1000.0)
    assert retry.wait_seconds(1000.0) == 1.5


def test_a_wall_clock_that_was_set_back_costs_one_backoff_at_most() -> None:
    """A failure that seems to lie hours ahead is taken as one of just now."""
    retry = restored(POLICY, failures=5, since_failure_seconds=-7200.0, now=1000.0)
    assert retry.wait_seconds(1000.0) == BACKOFF


def test_a_clock_that_runs_backwards_costs_one_backoff_at_most() -> None:
    """Even if the times that it is given go back."""
    retry = Retry(Policy(1, BACKOFF))
    retry.failed(9000.0)
    assert retry.wait_seconds(1.0) == BACKOFF


def test_a_growing_wait_survives_a_restart_as_it_was_drawn() -> None:
    """But a smaller limit, configured meanwhile, holds."""
    policy = Policy(1, 1.0, max_backoff_seconds=60.0)
    retry = restored(policy, failures=4, since_failure_seconds=2.0, now=1000.0, delay_seconds=7.3)
    assert retry.wait_seconds(1000.0) == pytest.approx(5.3)
    smaller = Policy(1, 1.0, max_backoff_seconds=5.0)
    retry = restored(smaller, failures=4, since_failure_seconds=2.0, now=1000.0, delay_seconds=70.0)
    assert retry.wait_seconds(1000.0) == 4.0


def test_a_receiver_that_asks_for_time_gets_it_up_to_the_longest_backoff() -> None:
    """Below the threshold too; without maxbackoff it is not heard, as in the reference."""
    polite = Retry(Policy(9, 1.0, max_backoff_seconds=60.0))
    polite.failed(0.0, asked_seconds=20.0)
    assert polite.wait_seconds(5.0) == 15.0
    polite.failed(100.0, asked_seconds=86_400.0)
    assert polite.wait_seconds(100.0) == 60.0
    plain = Retry(POLICY)
    plain.failed(0.0, asked_seconds=20.0)
    assert plain.wait_seconds(0.0) == 0.0


def test_an_event_is_given_up_after_so_many_attempts_or_so_long() -> None:
    """Only after a failure; the next event has all its attempts before it, the endpoint none of its failures behind."""
    by_count = Retry(Policy(9, 1.0, max_attempts=2))
    by_count.failed(0.0)
    assert by_count.reason_to_give_up(1e9) is None
    by_count.failed(0.0)
    assert by_count.reason_to_give_up(0.0) == "attempts"
    by_count.gave_up()
    assert (by_count.event_failures, by_count.failures) == (0, 2)
    by_age = Retry(Policy(9, 1.0, max_age_seconds=60.0))
    assert by_age.reason_to_give_up(61.0) is None
    by_age.failed(0.0)
    assert by_age.reason_to_give_up(59.0) is None
    assert by_age.reason_to_give_up(60.0) == "age"


def test_the_time_in_which_nobody_tried_is_no_outage() -> None:
    """A hub that was down for a week has no complaint about the receiver."""
    policy = Policy(1, 10.0, disable_after_seconds=100.0)
    retry = restored(policy, failures=3, since_failure_seconds=604_800.0, now=1e6, failing_seconds=30.0)
    retry.failed(1e6)
    assert (retry.failing_seconds, retry.alert_level) == (40.0, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """An attempt: how long it takes, whether it fails, what the receiver asks for, what is drawn for the jitter."""

    fails: bool
    seconds: float
    asked: float
    drawn: float


STEPS = st.lists(
    st.builds(Step, st.booleans(), st.floats(0.0, 5.0), st.sampled_from((0.0, 3.0, 500.0)), st.floats(0.0, 1.0)),
    max_size=60,
)


def attempt_times(policy: Policy, steps: list[Step]) -> list[float]:
    """When each attempt begins, by the state machine; the clock stands still but for attempts and waits."""
    drawn = iter([step.drawn for step in steps if step.fails])
    retry = Retry(policy, draw=lambda: next(drawn))
    now, times = 0.0, []
    for step in steps:
        now += retry.wait_seconds(now)
        times.append(now)
        now += step.seconds
        if step.fails:
            retry.failed(now, asked_seconds=step.asked)
        else:
            retry.succeeded()
    return times


@given(st.integers(1, 12), st.floats(0.1, 10.0), STEPS)
def test_it_tries_exactly_when_the_reference_tries(threshold: int, backoff: float, steps: list[Step]) -> None:
    """C.4: recent failures, last failure, `max(0, last_failure + backoff − now)` from the threshold on."""
    now = last_failure = 0.0
    recent, expected = 0, []
    for step in steps:
        now += 0.0 if recent < threshold else max(0.0, last_failure + backoff - now)
        expected.append(now)
        now += step.seconds
        recent, last_failure = (recent + 1, now) if step.fails else (0, last_failure)
    assert attempt_times(Policy(threshold, backoff), steps) == pytest.approx(expected)


@given(st.integers(1, 12), st.floats(0.1, 10.0), st.floats(1.0, 100.0), STEPS)
def test_the_waits_double_up_to_the_longest_a_fifth_more_or_less(
    threshold: int, backoff: float, factor: float, steps: list[Step]
) -> None:
    """From the threshold on, and never shorter than what the receiver asks for within the longest."""
    longest = backoff * factor
    now, wait, planned = 0.0, 0.0, backoff
    recent, expected = 0, []
    for step in steps:
        now += wait
        expected.append(now)
        now += step.seconds
        wait = 0.0
        if not step.fails:
            recent, planned = 0, backoff
            continue
        recent += 1
        if recent >= threshold:
            wait = min(planned, longest) * (0.8 + 0.4 * step.drawn)
            planned *= 2
        wait = max(wait, min(step.asked, longest))
    assert attempt_times(Policy(threshold, backoff, max_backoff_seconds=longest), steps) == pytest.approx(expected)


@given(st.integers(1, 5), STEPS)
def test_an_event_has_no_more_attempts_than_it_may(most: int, steps: list[Step]) -> None:
    """Whatever comes before it: the failures of one event are counted apart from those of the endpoint."""
    retry = Retry(Policy(3, 1.0, max_attempts=most))
    tries, ends = 0, []
    for step in steps:
        tries += 1
        if step.fails:
            retry.failed(0.0)
            reason = retry.reason_to_give_up(0.0)
            assert (reason == "attempts") == (tries == most)
            if reason is None:
                continue
            retry.gave_up()
        else:
            retry.succeeded()
        ends.append(tries)
        tries = 0
    assert all(end <= most for end in ends)


@given(st.floats(10.0, 1000.0), STEPS)
def test_the_level_of_an_outage_is_the_part_of_the_limit_that_has_passed(limit: float, steps: list[Step]) -> None:
    """Since the first failure after the last success; a success ends it."""
    retry = Retry(Policy(2, 1.0, disable_after_seconds=limit))
    now, began = 0.0, None
    for step in steps:
        now += step.seconds
        if not step.fails:
            retry.succeeded()
            began = None
            assert retry.alert_level == 0
            continue
        retry.failed(now)
        began = now if began is None else began
        assert retry.failing_seconds == pytest.approx(now - began)
        passed = 100 * retry.failing_seconds / limit
        assert retry.alert_level == max([level for level in (50, 70, 90, 100) if level <= passed], default=0)
