"""When to try again, when to give up and when to call for help: the state machine of an endpoint, over times that the
caller reads.

The reference's part (C.4) is `threshold` and `backoff`; everything else is off unless it is asked for. Pure. Times are
seconds of a monotonic clock, so a wall clock that is set forth or back makes nobody wait for hours.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

JITTER = 0.2
"""How much earlier or later than planned a growing wait may end, as a part of it."""
ALERT_LEVELS = (100, 90, 70, 50)
"""Parts of `disable_after_seconds`, in percent, the highest first."""
_MOST_DOUBLINGS = 60

Reason = Literal["attempts", "age"]
"""Why an event is given up: tried often enough, or too old."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Fewer than `threshold` failures in a row are retried at once, from then on `backoff_seconds` apart.

    0 turns each of the others off. With `max_backoff_seconds` the wait doubles up to it, ends a little earlier or
    later, and a receiver that says when to come back is heard. `max_attempts` and `max_age_seconds` say when one
    event is given up, `disable_after_seconds` how long of nothing but failures makes the endpoint be disabled.
    """

    threshold: int
    backoff_seconds: float
    max_backoff_seconds: float = 0.0
    max_attempts: int = 0
    max_age_seconds: float = 0.0
    disable_after_seconds: float = 0.0

    @property
    def grows(self) -> bool:
        return self.max_backoff_seconds > 0

    @property
    def longest_seconds(self) -> float:
        """No wait is longer."""
        return self.max_backoff_seconds * (1 + JITTER) if self.grows else self.backoff_seconds

    def delay_seconds(self, failures: int, *, asked_seconds: float, drawn: float) -> float:
        """The wait after so many failures in a row; `drawn` is a number of 0 to 1 that decides about the jitter."""
        delay = self.backoff_seconds if failures >= self.threshold else 0.0
        if not self.grows:
            return delay
        delay = min(delay * 2.0 ** min(failures - self.threshold, _MOST_DOUBLINGS), self.max_backoff_seconds)
        return max(delay * (1 - JITTER + 2 * JITTER * drawn), min(asked_seconds, self.max_backoff_seconds))


@dataclass(slots=True)
class Retry:
    """How many attempts in a row have failed, when the last one did, and how long it takes until the next.

    Only a success sets `failures` and `failing_seconds` back; `event_failures` are those of the event that is being
    sent. `draw` returns a number of 0 to 1.
    """

    policy: Policy
    failures: int = 0
    event_failures: int = 0
    last_failure: float = 0.0
    delay_seconds: float = 0.0
    failing_seconds: float = 0.0
    draw: Callable[[], float] = random.random

    def failed(self, now: float, *, asked_seconds: float = 0.0) -> None:
        """An attempt failed; `asked_seconds` is how long the receiver asked to be left alone."""
        if self.failures:
            self.failing_seconds += max(0.0, now - self.last_failure)
        self.failures += 1
        self.event_failures += 1
        self.last_failure = now
        self.delay_seconds = self.policy.delay_seconds(self.failures, asked_seconds=asked_seconds, drawn=self.draw())

    def succeeded(self) -> None:
        self.failures = self.event_failures = 0
        self.delay_seconds = self.failing_seconds = 0.0

    def gave_up(self) -> None:
        """The event is out of the way; the endpoint is as bad as before."""
        self.event_failures = 0

    @property
    def is_backing_off(self) -> bool:
        return self.delay_seconds > 0

    def wait_seconds(self, now: float) -> float:
        """How long the next attempt has to wait: never longer than planned, whatever the clock says."""
        return min(self.delay_seconds, max(0.0, self.last_failure + self.delay_seconds - now))

    def reason_to_give_up(self, age_seconds: float) -> Reason | None:
        """After a failure: whether the event, so old, is not to be tried again."""
        policy = self.policy
        if policy.max_attempts and self.event_failures >= policy.max_attempts:
            return "attempts"
        if policy.max_age_seconds and self.event_failures and age_seconds >= policy.max_age_seconds:
            return "age"
        return None

    @property
    def alert_level(self) -> int:
        """How far it is on the way to being disabled: 0, or one of ALERT_LEVELS."""
        limit = self.policy.disable_after_seconds
        if not limit or not self.failures:
            return 0
        return next((level for level in ALERT_LEVELS if self.failing_seconds >= limit * level / 100), 0)


def restored(
    policy: Policy,
    *,
    failures: int,
    since_failure_seconds: float,
    now: float,
    event_failures: int = 0,
    failing_seconds: float = 0.0,
    delay_seconds: float = 0.0,
) -> Retry:
    """The state that another process left behind, `since_failure_seconds` ago by the wall clock.

    Less than no time ago (the wall clock was set back) counts as just now. `delay_seconds` is what had been drawn of
    a growing wait; one that does not grow is that of today's policy. What lies beyond the wait was no failing: nobody
    tried.
    """
    planned = policy.backoff_seconds if failures >= policy.threshold else 0.0
    if policy.grows:
        planned = min(max(0.0, delay_seconds), policy.longest_seconds)
    since = min(max(0.0, since_failure_seconds), planned)
    return Retry(
        policy,
        failures=failures,
        event_failures=event_failures,
        last_failure=now - since,
        delay_seconds=planned if failures else 0.0,
        failing_seconds=failing_seconds,
    )
