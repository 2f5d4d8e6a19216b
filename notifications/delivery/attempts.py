"""The rows of attempts that one sender writes: a failure each, and successes in batches."""

import time
from datetime import timedelta

from django.utils import timezone

from notifications.delivery.models import MAX_ERROR_LENGTH, Attempt, Endpoint
from notifications.delivery.sinks import Outcome
from notifications.log.consume import LoggedEvent
from registryhub.database.transactions import relaxed_transaction

BATCH_SECONDS = 1.0
"""How much time of successes goes into one row."""
KEPT_ATTEMPTS = 2_000
"""Failures, and batches of successes, kept for each endpoint; with answers of 8 KiB that is some 16 MiB at most."""
PRUNE_EVERY = 200

_GROWING = ("first_seq", "seq", "event_id", "events", "duration_seconds")


class Attempts:
    """Gathers rows until they are saved."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._rows: list[Attempt] = []
        self._batch: Attempt | None = None
        self._batch_end = 0.0
        self._since_pruned = PRUNE_EVERY

    @property
    def has_successes(self) -> bool:
        """Whether successes are at hand, saved before or not."""
        return self._batch is not None

    def succeed(self, events: list[LoggedEvent], outcome: Outcome) -> None:
        """The events, sent in one request, were accepted."""
        batch = self._batch
        if batch is None or batch.status != outcome.status or time.monotonic() >= self._batch_end:
            self._close_batch()
            self._batch = describe(self._endpoint, events, outcome)
            self._batch_end = time.monotonic() + BATCH_SECONDS
            return
        if events[-1].seq > batch.seq:
            batch.seq, batch.event_id = events[-1].seq, events[-1].event_id
        batch.first_seq = min(batch.first_seq, events[0].seq)
        batch.events += len(events)
        batch.duration_seconds += outcome.duration_seconds

    def fail(self, events: list[LoggedEvent], outcome: Outcome) -> str:
        """The events, sent in one request, were not accepted; returns the error as the row has it."""
        self._close_batch()
        row = describe(self._endpoint, events, outcome)
        self._rows.append(row)
        return row.error

    def save(self) -> None:
        """Write the rows, on the caller's transaction."""
        rows = self._rows if self._batch is None else [*self._rows, self._batch]
        new = [row for row in rows if row._state.adding]
        for row in rows:
            if not row._state.adding:
                row.save(update_fields=_GROWING)
        Attempt.objects.bulk_create(new)
        self._since_pruned += len(new)
        self._rows = []

    def prune_if_due(self) -> None:
        """Forget old rows, in a transaction of its own."""
        if self._since_pruned >= PRUNE_EVERY:
            prune_attempts(self._endpoint)
            self._since_pruned = 0

    def _close_batch(self) -> None:
        if self._batch is not None:
            self._rows.append(self._batch)
            self._batch = None


def prune_attempts(endpoint: Endpoint) -> None:
    """Leave the newest KEPT_ATTEMPTS failures and as many batches of successes."""
    for is_success in (False, True):
        rows = Attempt.objects.filter(endpoint=endpoint, is_success=is_success).order_by("-id")
        oldest_kept = rows.values_list("id", flat=True)[KEPT_ATTEMPTS - 1 : KEPT_ATTEMPTS]
        for oldest in oldest_kept:
            with relaxed_transaction():
                rows.filter(id__lt=oldest).delete()


def describe(endpoint: Endpoint, events: list[LoggedEvent], outcome: Outcome) -> Attempt:
    """The row of one attempt to send these events."""
    return Attempt(
        endpoint=endpoint,
        is_success=outcome.is_success,
        first_seq=events[0].seq,
        seq=events[-1].seq,
        event_id=events[-1].event_id,
        events=len(events),
        attempted_at=timezone.now() - timedelta(seconds=outcome.duration_seconds),
        duration_seconds=outcome.duration_seconds,
        status=outcome.status,
        error=outcome.error[:MAX_ERROR_LENGTH],
        answer=outcome.answer.decode(errors="replace").replace("\0", "\ufffd"),
    )
