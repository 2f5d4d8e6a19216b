"""What could not be read waits for somebody to decide: it is read once more, or discarded with a remark.

Read once more means that it comes into the intake as it came then, for a reader that has learned something since, and
is no longer here, in one transaction: it cannot be read twice. What fails again is here again, as a new row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, Max, Min, QuerySet, TextField, Value, When
from django.db.models.functions import Left, StrIndex
from django.utils import timezone

from notifications.log import intake
from notifications.log.models import QuarantinedEvent
from registryhub.config.keeping import EventLog
from registryhub.database.transactions import relaxed_transaction

MOST_AT_ONCE = 10_000
"""So many are dealt with by one call; for more it is called again."""
ROWS_IN_A_TRANSACTION = 100
GROUPS = 50

Rows = QuerySet[QuarantinedEvent]


@dataclass(frozen=True, slots=True)
class Group:
    """Events that were refused for one cause: what their reasons begin with, before the first colon."""

    cause: str
    count: int
    oldest: datetime
    newest: datetime


def waiting() -> Rows:
    """Those nobody has decided about."""
    return QuarantinedEvent.objects.filter(discarded_at=None)


def by_cause(rows: Rows, cause: str = "") -> Rows:
    """Rows with their `cause`; only those of one, if it is given."""
    colon = StrIndex("reason", Value(": "))
    named: Any = rows.annotate(colon=colon).annotate(
        cause=Case(When(colon__gt=0, then=Left("reason", F("colon") - 1)), default="reason", output_field=TextField())
    )
    found: Rows = named.filter(cause=cause) if cause else named
    return found


def group(rows: Rows) -> Sequence[Group]:
    """The largest groups first."""
    found: Any = by_cause(rows)
    counted = (
        found.order_by()
        .values("cause")
        .annotate(count=Count("id"), oldest=Min("received_at"), newest=Max("received_at"))
    )
    return [Group(**each) for each in counted.order_by("-count", "cause")[:GROUPS]]


def retry(rows: Rows) -> int:
    """Have them read once more, the oldest first; how many. What comes into the quarantine meanwhile is left alone."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    return sum(_retry(ids[start : start + ROWS_IN_A_TRANSACTION]) for start in _starts(ids))


def discard(rows: Rows, *, remark: str, by: str) -> int:
    """Take them off the list of what waits; how many. They stay to be seen with the remark, as long as events do."""
    ids = list(rows.filter(discarded_at=None).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    now = timezone.now()
    return sum(
        QuarantinedEvent.objects.filter(pk__in=ids[start : start + ROWS_IN_A_TRANSACTION], discarded_at=None).update(
            discarded_at=now, remark=remark, discarded_by=by
        )
        for start in _starts(ids)
    )


def trim(keep: EventLog, is_stopping: Callable[[], bool]) -> None:
    """Remove what is older than events may be, or beyond their number. May be done again at any time.

    They were numbered in the order in which they came, nearly enough to look at the oldest ones only.
    """
    beyond = _last_beyond(keep.max_events)
    before = timezone.now() - timedelta(seconds=keep.keep_seconds) if keep.keep_seconds else None
    while not is_stopping():
        oldest = QuarantinedEvent.objects.order_by("pk").values_list("pk", "received_at")[:ROWS_IN_A_TRANSACTION]
        due = [pk for pk, came in oldest if pk <= beyond or (before is not None and came < before)]
        with relaxed_transaction():  # what a loss of power brings back is removed again
            QuarantinedEvent.objects.filter(pk__in=due).delete()
        if len(due) < ROWS_IN_A_TRANSACTION:
            return


def _last_beyond(most: int) -> int:
    """The number of the newest row that is one too many; 0 for none, and without a bound."""
    newest_first = QuarantinedEvent.objects.order_by("-pk").values_list("pk", flat=True)
    return (newest_first[most : most + 1].first() or 0) if most else 0


def _retry(ids: list[int]) -> int:
    """One at a time in memory: each may be as large as an envelope."""
    count = 0
    with transaction.atomic():
        for pk in ids:
            row = QuarantinedEvent.objects.select_for_update().filter(pk=pk).first()
            if row is not None:
                intake.store(source_id=row.source_id, kind=row.kind, raw=bytes(row.raw))
                row.delete()
                count += 1
    return count


def _starts(ids: list[int]) -> range:
    return range(0, len(ids), ROWS_IN_A_TRANSACTION)
