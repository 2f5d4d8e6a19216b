"""What the log file says of an endpoint: enough to see what is wrong, not a line an attempt, and no secret.

Every failed attempt is a row in the database; the log file gets the first failure of a series, the moment it turns
into backing off, one line a minute after that, and the recovery.
"""

import logging
import time

from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.retry import Reason, Retry
from notifications.log.consume import LoggedEvent

EVERY_SECONDS = 60.0

logger = logging.getLogger("notifications.delivery")


class Reports:
    """Speaks for one endpoint; `url` is written without its password."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._failed = 0
        self._reported_at = 0.0

    def refused(self, event: LoggedEvent, outcome: Outcome, retry: Retry, given_up: Reason | None = None) -> None:
        """An attempt failed, and the event may have been given up for it."""
        self._failed += 1
        now = time.monotonic()
        turns = retry.failures == retry.policy.threshold
        if self._failed > 1 and not turns and now - self._reported_at < EVERY_SECONDS:
            return
        self._reported_at = now
        what = "it is a dead letter now" if given_up else _next(retry)
        logger.error(
            "endpoint %s (%s): event %s (number %d) was not delivered, attempt %d: %s; %s",
            *(self._name, self._url, event.event_id, event.seq, retry.failures, outcome.error, what),
        )

    def accepted(self, event: LoggedEvent) -> None:
        """An attempt succeeded."""
        if self._failed:
            logger.info(
                "endpoint %s: delivered again after %d failed attempts, with event %s",
                self._name,
                self._failed,
                event.event_id,
            )
            self._failed = 0


def _next(retry: Retry) -> str:
    if not retry.is_backing_off:
        return "trying again"
    return f"trying again {'in' if retry.policy.grows else 'every'} {retry.delay_seconds:.3g} s"
