"""What has been sent, written down: attempts, counters and the position, together in one short transaction.

Saved every SAVE_REQUESTS attempts or SAVE_SECONDS, whatever comes first, and before every longer wait. A process that
dies in between sends those events once more: at least once, with ids to tell by. For the same reason the commit need
not wait for the disk. A position that only moved over ignored events is saved every SKIP_SECONDS: to lose it costs
nothing, and an endpoint that ignores pulls must not write each time somebody pulls.
"""

import time
from datetime import datetime, timedelta
from http import HTTPStatus

from django.utils import timezone

from notifications.delivery.models import DeadLetter, Endpoint
from notifications.delivery.outgoing.sinks import Outcome, status_text
from notifications.delivery.sending.attempts import Attempts
from notifications.delivery.sending.letters import describe_letter
from notifications.delivery.sending.notices import Notices
from notifications.delivery.sending.retry import Reason, Retry, restored
from notifications.log.consume import Feed, LeaseLost, LoggedEvent
from registryhub.config.notifications import LogName
from registryhub.database.transactions import relaxed_transaction, release_connection
from registryhub.database.updates import RowUpdate

SAVE_REQUESTS = 100
SAVE_SECONDS = 0.05
SKIP_SECONDS = 0.5

_STATE = (
    *("consecutive_failures", "event_failures", "failing_seconds", "alert_level"),
    *("last_failure_at", "last_success_at", "next_try_at", "last_error"),
    *("successes", "failures", "errors", "statuses", "given_up"),
)
_SAVE = RowUpdate(Endpoint, _STATE)
_SAVE_IF_ACTIVE = RowUpdate(Endpoint, _STATE, "NOT is_paused AND stopped_at IS NULL AND revision = %s")


class Ledger:
    """The books of one endpoint, kept by the holder of its place in the log and by nobody else.

    `position` is the last event dealt with, saved or not. `is_held` is whether the endpoint was found stopped, by an
    operator or by these books, or with other settings, so that nothing more may be sent.
    """

    def __init__(self, endpoint: Endpoint, feed: Feed, *, log: LogName = "sampled") -> None:
        self._endpoint = endpoint
        self._feed = feed
        self.position = feed.position
        self.is_held = False
        self.retry = _restore(endpoint)
        self._attempts = Attempts(endpoint, log=log)
        self._notices = Notices(endpoint)
        self._letters: list[DeadLetter] = []
        self._stop_reason = ""
        self._unsaved = 0
        self._saved_at = time.monotonic()

    def skip(self, seq: int) -> None:
        """All up to this number is dealt with: accepted, given up, or not for this endpoint."""
        self.position = seq

    def succeed(self, events: list[LoggedEvent], outcome: Outcome) -> None:
        """The events, sent in one request, were accepted."""
        self.retry.succeeded()
        self._endpoint.successes += len(events)
        self._unsaved += 1
        self._count_status(outcome)
        self._attempts.succeed(events, outcome)
        self._notices.succeeded()

    def fail(self, events: list[LoggedEvent], outcome: Outcome, own: Retry | None = None) -> Reason | None:
        """The attempt failed. The same events are to be tried again, unless they are given up for the reason.

        `own` counts the failures of these events where others may be sent before they are tried again.
        """
        endpoint, now = self._endpoint, timezone.now()
        self.retry.failed(time.monotonic(), asked_seconds=outcome.asked_seconds)
        self._unsaved += 1
        if outcome.status is None:
            endpoint.errors += 1
        else:
            endpoint.failures += 1
        self._count_status(outcome)
        endpoint.last_error = self._attempts.fail(events, outcome)
        endpoint.last_failure_at = now
        self._judge(outcome)
        own = own or self.retry
        reason = None if self.is_held else own.reason_to_give_up(_age_seconds(events[0], now))
        if reason is None and not self.is_held and own.delay_seconds:
            self._attempts.will_be_tried(now + timedelta(seconds=own.delay_seconds))
        if reason is not None:
            self._give_up(events, outcome, reason, attempts=own.event_failures)
        return reason

    def _judge(self, outcome: Outcome) -> None:
        """Whether that was the end of the endpoint."""
        self._notices.failed(self.retry)
        if outcome.status == HTTPStatus.GONE:
            self._stop("it answered 410 Gone: nobody listens there any more")
            self._notices.disabled(self._stop_reason)
        elif self._endpoint.alert_level >= 100:
            self._stop(f"all attempts have failed; the last error: {self._endpoint.last_error}")

    def _stop(self, reason: str) -> None:
        self._stop_reason = reason
        self.is_held = True

    def _give_up(self, events: list[LoggedEvent], outcome: Outcome, reason: Reason, *, attempts: int) -> None:
        self._letters += [describe_letter(self._endpoint, event, outcome, reason, attempts) for event in events]
        self._endpoint.given_up += len(events)
        self.retry.gave_up()

    def save_if_due(self) -> None:
        """Save when enough has come together. Raises as `save` does."""
        since = time.monotonic() - self._saved_at
        if self._unsaved >= SAVE_REQUESTS or (since >= SAVE_SECONDS and self._unsaved) or since >= SKIP_SECONDS:
            self.settle()

    @property
    def due_seconds(self) -> float:
        """How long until attempts must be saved."""
        return max(0.0, self._saved_at + SAVE_SECONDS - time.monotonic())

    @property
    def is_settled(self) -> bool:
        """Whether everything is saved."""
        return not self._unsaved and self.position == self._feed.position

    @property
    def has_attempts(self) -> bool:
        """Whether attempts wait to be saved, and not only a position."""
        return bool(self._unsaved)

    def settle(self) -> None:
        """Save what is unsaved, if anything is. Raises as `save` does."""
        if not self.is_settled:
            self.save()

    def save(self) -> None:
        """Write everything down. Raises LeaseLost and database errors; what was not saved is then sent again."""
        self._update_state()
        with relaxed_transaction():
            self._feed.move(self.position)
            self._attempts.save()
            DeadLetter.objects.bulk_create(self._letters)
            self._notices.save()
            self._save_state()
        self._letters = []
        self._unsaved = 0
        self._saved_at = time.monotonic()
        self._attempts.prune_if_due()
        release_connection()

    def _update_state(self) -> None:
        endpoint, retry = self._endpoint, self.retry
        if self._attempts.has_successes:
            endpoint.last_success_at = timezone.now()
        endpoint.consecutive_failures = retry.failures
        endpoint.event_failures = retry.event_failures
        endpoint.failing_seconds = retry.failing_seconds
        endpoint.next_try_at = None
        if retry.is_backing_off and endpoint.last_failure_at is not None:
            endpoint.next_try_at = endpoint.last_failure_at + timedelta(seconds=retry.delay_seconds)

    def _save_state(self) -> None:
        """One statement unless the endpoint is stopped, which is found out on the way."""
        endpoint = self._endpoint
        if self._stop_reason:
            row = Endpoint.objects.filter(pk=endpoint.pk)
            row.update(stopped_at=timezone.now(), stop_reason=self._stop_reason)
            self._stop_reason = ""
        if not _SAVE_IF_ACTIVE.run(endpoint, endpoint.revision):
            self.is_held = True
            if not _SAVE.run(endpoint):
                raise LeaseLost(f"endpoint {endpoint.name} was deleted")

    def _count_status(self, outcome: Outcome) -> None:
        if outcome.status is not None:
            text = status_text(outcome.status)
            self._endpoint.statuses[text] = self._endpoint.statuses.get(text, 0) + 1


def _age_seconds(event: LoggedEvent, now: datetime) -> float:
    """How long the event has been in the log."""
    return (now - event.received_at) / timedelta(seconds=1)


def _restore(endpoint: Endpoint) -> Retry:
    """The state that the last holder of the place left in the row."""
    failed_at = endpoint.last_failure_at or timezone.now()
    delay = (endpoint.next_try_at or failed_at) - failed_at
    return restored(
        endpoint.policy,
        failures=endpoint.consecutive_failures,
        event_failures=endpoint.event_failures,
        failing_seconds=endpoint.failing_seconds,
        delay_seconds=delay.total_seconds(),
        since_failure_seconds=(timezone.now() - failed_at).total_seconds(),
        now=time.monotonic(),
    )
