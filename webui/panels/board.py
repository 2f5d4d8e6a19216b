"""The board of the dashboard: who leads, how it went, and whether it is more than before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from notifications.analytics.boards import Place, most_pulled
from notifications.analytics.models import RepositoryDay, RepositoryHour
from notifications.analytics.series import Span
from notifications.analytics.spans import floor_hour, floor_to, midnight
from notifications.analytics.windows import Window
from registryhub.access.models import Repository
from webui.charts import spark
from webui.panels.change import Change, compare
from webui.panels.windows import Before, before_window, window_span

LINES = 10
SPARK_DAYS = 90
"""What the small lines show of all time."""

_HOUR, _DAY_HOURS, _STEP_HOURS = timedelta(hours=1), 24, 6

Name = tuple[str, str]
Counts = dict[datetime, int]


@dataclass(frozen=True, slots=True)
class Leader:
    """A line of the board; `share` is its part of all pulls in the window, in percent."""

    place: Place
    share: float
    spark: str
    change: Change | None


def leaders(repositories: QuerySet[Repository], window: Window, now: datetime, total: int) -> Sequence[Leader]:
    """The most pulled, with `total` pulls of all that the reader sees. Two queries."""
    places = most_pulled(repositories, window, now, LINES)
    if not places:
        return []
    span, before = spark_span(window, now), before_window(window, now)
    counts = _counts(places, span, before.edge if before else span.start)
    return [_leader(place, counts[place.source, place.repository], span, before, total) for place in places]


def spark_span(window: Window, now: datetime) -> Span:
    """What a small line shows."""
    return window_span(window, now, None) if window != "all" else Span("day", now - timedelta(days=SPARK_DAYS), now)


def sparks(repository_ids: Iterable[int], span: Span) -> dict[int, str]:
    """The small line of each repository. One query."""
    counts: dict[int, Counts] = {key: {} for key in repository_ids}
    rows = _rows(span, span.first).filter(repository_id__in=list(counts))
    for key, step, pulls in rows.values_list("repository_id", _column(span), "pulls"):
        counts[key][_moment(step, span)] = pulls
    return {key: _spark(found, span) for key, found in counts.items()}


def _leader(place: Place, counts: Counts, span: Span, before: Before | None, total: int) -> Leader:
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


def _counts(places: Sequence[Place], span: Span, since: datetime) -> dict[Name, Counts]:
    names = [Q(repository__source__name=place.source, repository__name=place.repository) for place in places]
    found: dict[Name, Counts] = {(place.source, place.repository): {} for place in places}
    rows = _rows(span, since).filter(reduce(or_, names))
    for source, name, step, pulls in rows.values_list(
        "repository__source__name", "repository__name", _column(span), "pulls"
    ):
        found[source, name][_moment(step, span)] = pulls
    return found


def _rows(span: Span, since: datetime) -> QuerySet[RepositoryHour] | QuerySet[RepositoryDay]:
    if span.interval == "hour":
        return RepositoryHour.objects.filter(hour__gte=floor_hour(since))
    return RepositoryDay.objects.filter(day__gte=since.date())


def _column(span: Span) -> str:
    return "hour" if span.interval == "hour" else "day"


def _moment(step: datetime, span: Span) -> datetime:
    return step if span.interval == "hour" else midnight(step)


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
