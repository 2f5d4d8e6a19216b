"""How often an endpoint may be called: a limit of requests a second, over times that the caller reads.

Pure.
"""

BURST_SECONDS = 0.1
"""What was not used of the limit is kept for so long: a sleep that lasts too long does not lower the rate."""


class Pace:
    """`per_second` of 0 is no limit. Times are seconds of a monotonic clock."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._next = 0.0

    def wait_seconds(self, now: float) -> float:
        """Until the next request may go out."""
        return max(0.0, self._next - now)

    def took(self, now: float) -> None:
        """A request goes out."""
        if self._interval:
            self._next = max(self._next, now - BURST_SECONDS) + self._interval
