"""What has been sent, written down: attempts, counters and the position, together in one short transaction.

Saved every SAVE_EVENTS attempts or SAVE_SECONDS, whatever comes first, and before every wait. A process that dies in
between sends those events once more: at least once, with ids to tell by. For the same reason the commit need not
wait for the disk. A position that only moved over ignored events is saved every SKIP_SECONDS: to lose it costs
nothing, and an endpoint that ignores pulls must not write each time somebody pulls.
"""

import time
from datetime import timedelta

from django.utils import timezone

from notifications.delivery.models import MAX_ERROR_LENGTH, Attempt, Endpoint
from notifications.delivery.retry import Policy, Retry, restored
from notifications.delivery.sinks import Outcome, status_text
from notifications.log.consume import Feed, LoggedEvent
from registryhub.database.transactions import relaxed_transaction, release_connection

SAVE_EVENTS = 100
SAVE_SECONDS = 0.05
SKIP_SECONDS = 0.5
BATCH_SECONDS = 1.0
"""How much time of successes goes into one row."""
KEPT_ATTEMPTS = 2_000
"""Failures, and batches of successes, kept for each endpoint; with answers of 8 KiB that is some 16 MiB at most."""
PRUNE_EVERY = 200

_STATE = (
    *("consecutive_failures", "last_failure_at", "last_success_at", "next_try_at", "last_error"),
    *("successes", "failures", "errors", "statuses"),
)
_GROWING = ("seq", "event_id", "events", "duration_seconds")


class Ledger:
    """The books of one endpoint, kept by the holder of its place in the log and by nobody else.

    `position` is the last event dealt with, saved or not. `is_paused` is what the row said at the last save.
    """

    def __init__(self, endpoint: Endpoint, feed: Feed, policy: Policy) -> None:
        self._endpoint = endpoint
        self._feed = feed
        self.position = feed.position
        self.is_paused = False
        self.retry = _restore(endpoint, policy)
        self._rows: list[Attempt] = []
        self._batch: Attempt | None = None
        self._batch_end = 0.0
        self._unsaved = 0
        self._saved_at = time.monotonic()
        self._since_pruned = PRUNE_EVERY

    def skip(self, event: LoggedEvent) -> None:
        """The event is not for this endpoint."""
        self.position = event.seq

    def succeed(self, event: LoggedEvent, outcome: Outcome) -> None:
        """The event was accepted."""
        self.retry.succeeded()
        self.position = event.seq
        self._unsaved += 1
        self._endpoint.successes += 1
        self._count_status(outcome)
        if self._batch is None or self._batch.status != outcome.status or time.monotonic() >= self._batch_end:
            self._close_batch()
            self._batch = _describe(self._endpoint, event, outcome)
            self._batch_end = time.monotonic() + BATCH_SECONDS
            return
        self._batch.seq = event.seq
        self._batch.event_id = event.event_id
        self._batch.events += 1
        self._batch.duration_seconds += outcome.duration_seconds

    def fail(self, event: LoggedEvent, outcome: Outcome) -> None:
        """The attempt failed; the same event is to be tried again."""
        self.retry.failed(time.monotonic())
        self._unsaved += 1
        if outcome.status is None:
            self._endpoint.errors += 1
        else:
            self._endpoint.failures += 1
        self._count_status(outcome)
        self._close_batch()
        row = _describe(self._endpoint, event, outcome)
        self._rows.append(row)
        self._endpoint.last_failure_at = timezone.now()
        self._endpoint.last_error = row.error

    def save_if_due(self) -> None:
        """Save when enough has come together. Raises as `save` does."""
        since = time.monotonic() - self._saved_at
        if self._unsaved >= SAVE_EVENTS or (since >= SAVE_SECONDS and self._unsaved) or since >= SKIP_SECONDS:
            self.settle()

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
            self._save_rows()
            self._save_state()
        self._unsaved = 0
        self._saved_at = time.monotonic()
        if self._since_pruned >= PRUNE_EVERY:
            prune_attempts(self._endpoint)
            self._since_pruned = 0
        release_connection()

    def _update_state(self) -> None:
        endpoint, retry = self._endpoint, self.retry
        if self._batch is not None:
            endpoint.last_success_at = timezone.now()
        endpoint.consecutive_failures = retry.failures
        endpoint.next_try_at = None
        if retry.is_backing_off and endpoint.last_failure_at is not None:
            endpoint.next_try_at = endpoint.last_failure_at + timedelta(seconds=retry.policy.backoff_seconds)

    def _save_state(self) -> None:
        """One statement unless the endpoint is paused, which is found out on the way."""
        row = Endpoint.objects.filter(pk=self._endpoint.pk)
        state = {name: getattr(self._endpoint, name) for name in _STATE}
        self.is_paused = not row.filter(is_paused=False).update(**state)
        if self.is_paused:
            row.update(**state)

    def _save_rows(self) -> None:
        rows = self._rows if self._batch is None else [*self._rows, self._batch]
        new = [row for row in rows if row._state.adding]
        for row in rows:
            if not row._state.adding:
                row.save(update_fields=_GROWING)
        Attempt.objects.bulk_create(new)
        self._since_pruned += len(new)
        self._rows = []

    def _close_batch(self) -> None:
        if self._batch is not None:
            self._rows.append(self._batch)
            self._batch = None

    def _count_status(self, outcome: Outcome) -> None:
        if outcome.status is not None:
            text = status_text(outcome.status)
            self._endpoint.statuses[text] = self._endpoint.statuses.get(text, 0) + 1


def prune_attempts(endpoint: Endpoint) -> None:
    """Leave the newest KEPT_ATTEMPTS failures and as many batches of successes."""
    for is_success in (False, True):
        rows = Attempt.objects.filter(endpoint=endpoint, is_success=is_success).order_by("-id")
        oldest_kept = rows.values_list("id", flat=True)[KEPT_ATTEMPTS - 1 : KEPT_ATTEMPTS]
        for oldest in oldest_kept:
            with relaxed_transaction():
                rows.filter(id__lt=oldest).delete()


def _restore(endpoint: Endpoint, policy: Policy) -> Retry:
    """The state that the last holder of the place left in the row."""
    since = timezone.now() - (endpoint.last_failure_at or timezone.now())
    return restored(
        policy,
        failures=endpoint.consecutive_failures,
        since_failure_seconds=since.total_seconds(),
        now=time.monotonic(),
    )


def _describe(endpoint: Endpoint, event: LoggedEvent, outcome: Outcome) -> Attempt:
    return Attempt(
        endpoint=endpoint,
        is_success=outcome.is_success,
        first_seq=event.seq,
        seq=event.seq,
        event_id=event.event_id,
        attempted_at=timezone.now() - timedelta(seconds=outcome.duration_seconds),
        duration_seconds=outcome.duration_seconds,
        status=outcome.status,
        error=outcome.error[:MAX_ERROR_LENGTH],
        answer=outcome.answer.decode(errors="replace").replace("\0", "\ufffd"),
    )
