"""Dead letters: what was given up, and what people do with it.

A resend does not touch the queue of an endpoint. It is asked for on the letter, and worked off beside the queue by
whoever holds the endpoint's place in the log (`resend`).
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from notifications.delivery.models import MAX_ERROR_LENGTH, DeadLetter, Endpoint
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.retry import Reason
from notifications.log.consume import LoggedEvent
from registryhub.database.transactions import relaxed_transaction

PRUNE_ROWS = 1_000
"""Removed in one transaction."""
_UNDECIDED = (DeadLetter.State.WAITING, DeadLetter.State.QUEUED)


def describe_letter(
    endpoint: Endpoint, event: LoggedEvent, outcome: Outcome, reason: Reason, attempts: int
) -> DeadLetter:
    """The row of an event that is given up after so many attempts, the last of which had this outcome."""
    return DeadLetter(
        endpoint=endpoint,
        reason=reason,
        seq=event.seq,
        event_id=event.event_id,
        action=event.action,
        repository=event.repository,
        tag=event.tag,
        document=event.raw,
        attempts=attempts,
        status=outcome.status,
        error=outcome.error[:MAX_ERROR_LENGTH],
    )


def resend_letters(letters: QuerySet[DeadLetter], *, to: Endpoint | None, by: str) -> int:
    """Ask for those that wait to be sent once more, each to its own endpoint or all to another; how many they are."""
    with transaction.atomic():
        return letters.filter(state=DeadLetter.State.WAITING).update(
            state=DeadLetter.State.QUEUED, send_to=to.pk if to else F("endpoint"), settled_by=by
        )


def discard_letters(letters: QuerySet[DeadLetter], *, remark: str, by: str) -> int:
    """Put away those that were not delivered, for a reason that is kept; how many they are."""
    with transaction.atomic():
        return letters.filter(state__in=_UNDECIDED).update(
            state=DeadLetter.State.DISCARDED, send_to=None, settled_at=timezone.now(), settled_by=by, remark=remark
        )


def prune_letters(keep_seconds: float) -> int:
    """Forget letters that are older, whatever became of them; how many they were."""
    limit = timezone.now() - timedelta(seconds=keep_seconds)
    removed = 0
    while ids := list(DeadLetter.objects.filter(created_at__lt=limit).values_list("id", flat=True)[:PRUNE_ROWS]):
        with relaxed_transaction():
            DeadLetter.objects.filter(id__in=ids).delete()
        removed += len(ids)
    return removed
