"""How an endpoint did lately, from the rows of its attempts. Tests do not count.

Rows are kept up to a number; where that cuts the time short, the figures say since when they are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from notifications.delivery.models import Attempt, Endpoint
from notifications.delivery.sending.durations import quantile_seconds, step_of

_COLUMNS = ("is_success", "status", "attempted_at", "duration_seconds", "durations", "events")
NO_ANSWER = "none"


@dataclass(frozen=True, slots=True)
class Stats:
    """`requests` are all that were sent, `events` those that were accepted; `by_class` has 2xx … 5xx and none.

    `p95_seconds` is what 95 % of the requests took at most, to a fifth; None without any.
    """

    since: datetime
    requests: int
    accepted: int
    events: int
    by_class: dict[str, int]
    p95_seconds: float | None

    @property
    def success_percent(self) -> float | None:
        """None without a request."""
        return 100 * self.accepted / self.requests if self.requests else None


def measure_stats(endpoint: Endpoint, since: datetime) -> Stats:
    """From one time on. One query."""
    rows = Attempt.objects.filter(endpoint=endpoint).exclude(occasion=Attempt.Occasion.TEST)
    found = [_Line(*values) for values in rows.filter(attempted_at__gte=since).order_by("id").values_list(*_COLUMNS)]
    since = max([since, *_cuts(found)])
    lines = [line for line in found if line.attempted_at >= since]
    steps: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for line in lines:
        steps.update(line.steps)
        classes[f"{line.status // 100}xx" if line.status else NO_ANSWER] += line.requests
    return Stats(
        since=since,
        requests=sum(classes.values()),
        accepted=sum(line.requests for line in lines if line.is_success),
        events=sum(line.events for line in lines if line.is_success),
        by_class=dict(sorted(classes.items())),
        p95_seconds=quantile_seconds(steps, 0.95),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    is_success: bool
    status: int | None
    attempted_at: datetime
    duration_seconds: float
    durations: dict[str, int]
    events: int

    @property
    def steps(self) -> dict[str, int]:
        """Rows of an older version know only the sum of a batch."""
        return self.durations or {step_of(self.duration_seconds / max(1, self.events)): self.events}

    @property
    def requests(self) -> int:
        return sum(self.steps.values())


def _cuts(lines: Sequence[_Line]) -> list[datetime]:
    """Since when failures, and successes, are all there: where so many were found, older ones were removed."""
    most = settings.HUB.notifications.attempts.max
    kinds = ([line for line in lines if line.is_success == is_success] for is_success in (True, False))
    return [kind[0].attempted_at for kind in kinds if len(kind) >= most]
