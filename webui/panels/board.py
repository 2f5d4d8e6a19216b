"""The board of the dashboard: who leads, how it went, and whether it is more than before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.analytics.boards import Ask, Line, boards
from notifications.analytics.counts import pulls_by_step
from notifications.analytics.scope import Scope
from notifications.analytics.spans import Span, floor_to
from notifications.analytics.windows import Window, window_start
from webui.charts import spark
from webui.panels.change import Change, compare
from webui.panels.windows import Before, before_window, window_span

LINES = 10
SPARK_DAYS = 90
"""What the small lines show of all time."""

_HOUR, _DAY_HOURS, _STEP_HOURS = timedelta(hours=1), 24, 6

Counts = dict[datetime, int]


@dataclass(frozen=True, slots=True)
class Leader:
    """A line of the board; `share` is its part of all pulls in the window, in percent."""

    place: Line
    share: float
    spark: str
    change: Change | None


def leaders(scope: Scope, window: Window, now: datetime, total: int) -> Sequence[Leader]:
    """The most pulled, with `total` pulls of all that the reader sees. Three queries at most."""
    places = boards()["most-pulled"].read(Ask(scope, window, window_start(window, now), now, LINES))
    if not places:
        return []
    span, before = spark_span(window, now), before_window(window, now)
    since = Span(span.interval, before.edge if before else span.start, now)
    counts = pulls_by_step([place.repository_id for place in places], since)
    return [_leader(place, counts[place.repository_id], span, before, total) for place in places]


def spark_span(window: Window, now: datetime) -> Span:
    """What a small line shows."""
    return window_span(window, now, None) if window != "all" else Span("day", now - timedelta(days=SPARK_DAYS), now)


def sparks(repository_ids: Iterable[int], span: Span) -> dict[int, str]:
    """The small line of each repository. One query."""
    return {key: _spark(counts, span) for key, counts in pulls_by_step(repository_ids, span).items()}


def _leader(place: Line, counts: Counts, span: Span, before: Before | None, total: int) -> Leader:
    was = sum(pulls * before.weight(_step(step, before)) for step, pulls in counts.items()) if before else 0.0
    return Leader(
        place=place,
        share=round(100 * place.pulls / total, 1) if total else 0.0,
        spark=_spark(counts, span),
        change=compare(place.pulls, was) if before else None,
    )


def _step(moment: datetime, before: Before) -> datetime:
    """The hour or day of a count, as the window before is made of them."""
    return moment if before.start - before.edge < timedelta(days=1) else floor_to("day", moment)


def _spark(counts: Counts, span: Span) -> str:
    """By hour of a day, by day of months; of a week each point is the day before it, so that nights do not show."""
    starts = span.starts()
    if span.interval == "hour" and len(starts) > 2 * _DAY_HOURS:
        return spark(_trailing(counts, starts[0], starts[-1]))
    values = [counts.get(start, 0) for start in starts]
    return spark(values[:-1] if any(values[:-1]) else values)  # the last one is not over


def _trailing(counts: Counts, first: datetime, last: datetime) -> list[int]:
    hours = range(-_DAY_HOURS, (last - first) // _HOUR)
    values = [counts.get(first + hour * _HOUR, 0) for hour in hours]
    sums = [sum(values[at - _DAY_HOURS : at]) for at in range(len(values), _DAY_HOURS - 1, -_STEP_HOURS)]
    return sums[::-1] if any(sums) else [0, counts.get(last, 0)]
