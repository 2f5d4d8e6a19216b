"""The state machine of an endpoint, against a model of the reference's."""

from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.retry import Policy, Retry, restored

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
    assert Retry(POLICY, failures=5, last_failure=9000.0).wait_seconds(1.0) == BACKOFF


Steps = list[tuple[bool, float]]
STEPS = st.lists(st.tuples(st.booleans(), st.floats(0.0, 5.0)), max_size=60)


@given(st.integers(1, 12), st.floats(0.1, 10.0), STEPS)
def test_it_waits_exactly_when_the_reference_waits(
    threshold: int, backoff: float, steps: list[tuple[bool, float]]
) -> None:
    """C.4: recent failures, last failure, `max(0, last_failure + backoff − now)` from the threshold on."""
    retry = Retry(Policy(threshold, backoff))
    now = last_failure = 0.0
    recent = 0
    for is_success, pause in steps:
        now += pause
        expected = 0.0 if recent < threshold else max(0.0, last_failure + backoff - now)
        assert retry.wait_seconds(now) == min(expected, backoff)
        now += expected
        if is_success:
            retry.succeeded()
            recent = 0
        else:
            retry.failed(now)
            recent, last_failure = recent + 1, now
