"""The rows of attempts that one sender writes: a failure each, and successes in batches."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from notifications.delivery.models import MAX_ERROR_LENGTH, Attempt, Endpoint
from notifications.delivery.outgoing.answers import KEPT_BYTES
from notifications.delivery.outgoing.connections import Opening
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.durations import step_of
from registryhub.config.notifications import LogName
from registryhub.database.transactions import relaxed_transaction
from registryhub.database.updates import RowUpdate

BATCH_SECONDS = 1.0
"""How much time of successes goes into one row."""
PRUNE_EVERY = 200
PRUNE_ROWS = 500
"""Removed in one transaction: with what was sent and answered a row may have 20 KiB."""


class Sent(Protocol):
    """What is known of an event in a row: of one of the log, and of a dead letter."""

    @property
    def seq(self) -> int: ...

    @property
    def event_id(self) -> str: ...


_SAVE_GROWING = RowUpdate(Attempt, ("first_seq", "seq", "event_id", "events", "duration_seconds", "durations"))


class Attempts:
    """Gathers rows until they are saved.

    `log` says what is kept of successes: a row each, one request a batch, or only how many there were.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        log: LogName = "sampled",
        occasion: Attempt.Occasion = Attempt.Occasion.QUEUE,
    ) -> None:
        self._endpoint = endpoint
        self._log = log
        self._occasion = occasion
        self._rows: list[Attempt] = []
        self._batch: Attempt | None = None
        self._batch_end = 0.0
        self._since_pruned = PRUNE_EVERY

    @property
    def has_successes(self) -> bool:
        """Whether successes are at hand, saved before or not."""
        return self._batch is not None

    def succeed(self, events: Sequence[Sent], outcome: Outcome) -> None:
        """The events, sent in one request, were accepted."""
        batch = self._batch
        if batch is None or batch.status != outcome.status or time.monotonic() >= self._batch_end:
            self._close_batch()
            self._batch = self._describe(events, outcome, keeps_content=self._log != "failures")
            self._batch_end = 0.0 if self._log == "all" else time.monotonic() + BATCH_SECONDS
            return
        if events[-1].seq > batch.seq:
            batch.seq, batch.event_id = events[-1].seq, events[-1].event_id
        batch.first_seq = min(batch.first_seq, events[0].seq)
        batch.events += len(events)
        batch.duration_seconds += outcome.duration_seconds
        step = step_of(outcome.duration_seconds)
        batch.durations[step] = batch.durations.get(step, 0) + 1

    def fail(self, events: Sequence[Sent], outcome: Outcome) -> str:
        """The events, sent in one request, were not accepted; returns the error as the row has it."""
        self._close_batch()
        row = self._describe(events, outcome, keeps_content=True)
        self._rows.append(row)
        return row.error

    def will_be_tried(self, at: datetime) -> None:
        """When the attempt that failed last is made again."""
        self._rows[-1].next_try_at = at

    def save(self) -> None:
        """Write the rows, on the caller's transaction."""
        rows = self._rows if self._batch is None else [*self._rows, self._batch]
        new = [row for row in rows if row._state.adding]
        for row in rows:
            if not row._state.adding:
                _SAVE_GROWING.run(row)
        Attempt.objects.bulk_create(new)
        self._since_pruned += len(new)
        self._rows = []

    def prune_if_due(self) -> None:
        """Forget old rows, in transactions of its own."""
        if self._since_pruned >= PRUNE_EVERY:
            prune_attempts(self._endpoint, most=settings.HUB.notifications.attempts.max)
            self._since_pruned = 0

    def _close_batch(self) -> None:
        if self._batch is not None:
            self._rows.append(self._batch)
            self._batch = None

    def _describe(self, events: Sequence[Sent], outcome: Outcome, *, keeps_content: bool) -> Attempt:
        row = describe(self._endpoint, outcome, self._occasion, keeps_content=keeps_content)
        row.first_seq, row.seq, row.event_id = events[0].seq, events[-1].seq, events[-1].event_id
        row.events = len(events)
        return row


def prune_attempts(endpoint: Endpoint, *, most: int) -> int:
    """Leave so many of the newest failures, and as many batches of successes; how many rows went."""
    removed = 0
    for is_success in (False, True):
        rows = Attempt.objects.filter(endpoint=endpoint, is_success=is_success).order_by("-id")
        for oldest in rows.values_list("id", flat=True)[most - 1 : most]:
            removed += _remove(rows.filter(id__lt=oldest))
    return removed


def prune_old_attempts(keep_seconds: float) -> int:
    """Forget what is older, of all endpoints; how many rows went.

    Rows come in order of time, so one walk over the oldest ids finds them all, without an index of times.
    """
    limit = timezone.now() - timedelta(seconds=keep_seconds)
    removed = 0
    while True:
        oldest = list(Attempt.objects.order_by("id").values_list("id", "attempted_at")[:PRUNE_ROWS])
        old = [pk for pk, attempted_at in oldest if attempted_at < limit]
        if not old:
            return removed
        with relaxed_transaction():
            Attempt.objects.filter(id__in=old).delete()
        removed += len(old)


def describe(endpoint: Endpoint, outcome: Outcome, occasion: Attempt.Occasion, *, keeps_content: bool) -> Attempt:
    """The row of one attempt, but for the events that were sent."""
    row = Attempt(
        endpoint=endpoint,
        occasion=occasion,
        is_success=outcome.is_success,
        attempted_at=timezone.now() - timedelta(seconds=outcome.duration_seconds),
        duration_seconds=outcome.duration_seconds,
        durations={step_of(outcome.duration_seconds): 1},
        status=outcome.status,
        error=outcome.error[:MAX_ERROR_LENGTH],
        answer=_text(outcome.answer),
    )
    if outcome.exchange is not None and keeps_content:
        exchange, opening = outcome.exchange, outcome.exchange.opening or Opening()
        row.request_head, row.request_body = exchange.request_head, _text(exchange.body[:KEPT_BYTES])
        row.answer_head, row.answer = _text(exchange.answer_head), _text(exchange.answer_body)
        row.look_up_seconds, row.connect_seconds = opening.look_up_seconds, opening.connect_seconds
        row.tls_seconds, row.first_byte_seconds = opening.tls_seconds, exchange.first_byte_seconds
    return row


def _remove(rows: QuerySet[Attempt]) -> int:
    removed = 0
    while ids := list(rows.values_list("id", flat=True)[:PRUNE_ROWS]):
        with relaxed_transaction():
            Attempt.objects.filter(id__in=ids).delete()
        removed += len(ids)
    return removed


def _text(data: bytes) -> str:
    """What a database takes, whatever came."""
    return data.decode(errors="replace").replace("\0", "\ufffd")
