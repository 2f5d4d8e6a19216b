"""How an endpoint does, in words and numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from notifications.delivery.backlog import Backlog, describe, measure_backlogs
from notifications.delivery.models import Attempt, Endpoint

State = Endpoint.State

_TONES = {
    State.DELIVERING: "ok",
    State.RETRYING: "wait",
    State.BACKING_OFF: "bad",
    State.PAUSED: "wait",
    State.DISABLED: "still",
    State.ABSENT: "still",
}


@dataclass(frozen=True, slots=True)
class EndpointState:
    """A line of the list. `success` is the part of all attempts that were accepted, `day` that of the last 24 hours as
    far as they are kept; None without an attempt.
    """

    endpoint: Endpoint
    backlog: Backlog
    words: str
    tone: str
    attempts: int
    success: str | None
    day: str | None = None

    @property
    def host(self) -> str:
        """Of the URL, with its port."""
        return urlsplit(self.endpoint.url).netloc.rpartition("@")[2]


def read_states(endpoints: Iterable[Endpoint], now: datetime) -> Sequence[EndpointState]:
    """The state of each, in their order."""
    rows = list(endpoints)
    backlogs, days = measure_backlogs(rows), _last_day(rows, now)
    return [describe_state(row, backlogs[row.pk], now, days.get(row.pk)) for row in rows]


def _last_day(rows: Sequence[Endpoint], now: datetime) -> Mapping[int, str]:
    """The part of the attempts of 24 hours that were accepted, by the id of the endpoint."""
    attempts = Attempt.objects.exclude(occasion=Attempt.Occasion.TEST)
    kept = attempts.filter(endpoint__in=[row.pk for row in rows], attempted_at__gte=now - timedelta(days=1))
    counts = (
        kept.order_by()
        .values_list("endpoint_id")
        .annotate(
            good=Coalesce(Sum("events", filter=Q(is_success=True)), 0), bad=Count("id", filter=Q(is_success=False))
        )
    )
    return {endpoint_id: write_share(good, good + bad) for endpoint_id, good, bad in counts if good + bad}


def describe_state(endpoint: Endpoint, backlog: Backlog, now: datetime, day: str | None = None) -> EndpointState:
    """What a line of the list says of one whose backlog is known."""
    attempts = endpoint.successes + endpoint.failures + endpoint.errors
    is_forgotten = endpoint.is_active and not backlog.is_attended
    return EndpointState(
        endpoint=endpoint,
        backlog=backlog,
        words=describe(endpoint, backlog, now),
        tone="wait" if is_forgotten else _TONES[endpoint.state],
        attempts=attempts,
        success=write_share(endpoint.successes, attempts) if attempts else None,
        day=day,
    )


def write_share(part: int, whole: int) -> str:
    """A percentage that is 100 only when nothing is missing: 9999 of 10000 → 99.99 %, 1 of 3 → 33.3 %."""
    if part == whole:
        return "100 %"
    share = 100 * part / whole
    return f"{min(share, 99.99):.2f} %" if share >= 99 else f"{share:.1f} %"
