"""When to try again: the state machine of an endpoint (reference C.4), over times that the caller reads.

Pure. Times are seconds of a monotonic clock, so a wall clock that is set forth or back makes nobody wait for hours.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Fewer than `threshold` failures in a row are retried at once, from then on `backoff_seconds` apart."""

    threshold: int
    backoff_seconds: float


@dataclass(slots=True)
class Retry:
    """How many attempts in a row have failed, and when the last one did. Only a success sets it back."""

    policy: Policy
    failures: int = 0
    last_failure: float = 0.0

    def failed(self, now: float) -> None:
        self.failures += 1
        self.last_failure = now

    def succeeded(self) -> None:
        self.failures = 0

    @property
    def is_backing_off(self) -> bool:
        return self.failures >= self.policy.threshold

    def wait_seconds(self, now: float) -> float:
        """How long the next attempt has to wait: never longer than the backoff, whatever the clock says."""
        if not self.is_backing_off:
            return 0.0
        backoff = self.policy.backoff_seconds
        return min(backoff, max(0.0, self.last_failure + backoff - now))


def restored(policy: Policy, *, failures: int, since_failure_seconds: float, now: float) -> Retry:
    """The state that another process left behind, `since_failure_seconds` ago by the wall clock.

    Less than no time ago (the wall clock was set back) counts as just now.
    """
    return Retry(policy, failures, now - max(0.0, since_failure_seconds))
