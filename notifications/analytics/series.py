"""Counts over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

from django.db.models import QuerySet, Sum

from notifications.analytics.models import RepositoryDay, RepositoryHour, TagDay, TagHour
from notifications.analytics.spans import Interval, floor_to, midnight, starts
from registryhub.access.models import Repository

MAX_POINTS = 5000
GROUPINGS = ("repository", "tag")
Grouping = Literal["repository", "tag"]

DEFAULT_SPANS: dict[Interval, timedelta] = {
    "hour": timedelta(hours=47),
    "day": timedelta(days=29),
    "week": timedelta(weeks=25),
    "month": timedelta(days=335),
}

_SUMS = {name: Sum(name) for name in ("pulls", "checks", "pushes")}


class TooManyPoints(ValueError):
    """The text says how many are allowed."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked: all points that begin before `end`, from the one that `start` falls into."""

    interval: Interval
    start: datetime
    end: datetime

    @property
    def first(self) -> datetime:
        return floor_to(self.interval, self.start)

    def starts(self) -> list[datetime]:
        """Raises TooManyPoints."""
        found = list(islice(starts(self.interval, self.start, self.end), MAX_POINTS + 1))
        if len(found) > MAX_POINTS:
            raise TooManyPoints(f"More than {MAX_POINTS} points; ask for a longer interval or a shorter time.")
        return found


@dataclass(slots=True)
class Point:
    """The counts of the hour, day, week or month that begins at `start`."""

    start: datetime
    pulls: int = 0
    checks: int = 0
    pushes: int = 0

    def add(self, pulls: int, checks: int, pushes: int) -> None:
        self.pulls += pulls
        self.checks += checks
        self.pushes += pushes


@dataclass(frozen=True, slots=True)
class Group:
    """The points of one tag or repository."""

    name: str
    points: Sequence[Point]


def series(repositories: QuerySet[Repository], tag: str, span: Span) -> Sequence[Point]:
    """One point for each interval of the span, also where nothing was counted; "" means all tags together.

    Raises TooManyPoints.
    """
    points = _empty(span)
    rows = _rows(repositories, span, is_by_tag=bool(tag))
    if tag:
        rows = rows.filter(tag=tag)
    moment = _moment_name(span)
    for found, *counts in _summed(rows, moment):
        _add(points, span, found, counts)
    return list(points.values())


def grouped(repositories: QuerySet[Repository], by: Grouping, span: Span, limit: int) -> Sequence[Group]:
    """The most pulled tags or repositories of the span, each with its points. Raises TooManyPoints."""
    key = "tag" if by == "tag" else "repository__name"
    rows = _rows(repositories, span, is_by_tag=by == "tag")
    leaders = rows.values(key).annotate(total=Sum("pulls")).order_by("-total", key).values_list(key, flat=True)[:limit]
    groups = {name: _empty(span) for name in leaders}
    if len(groups) * len(span.starts()) > MAX_POINTS:
        raise TooManyPoints(f"More than {MAX_POINTS} points; ask for fewer groups or a longer interval.")
    if groups:
        for name, found, *counts in _summed(rows.filter(**{f"{key}__in": list(groups)}), key, _moment_name(span)):
            _add(groups[name], span, found, counts)
    return [Group(name, list(points.values())) for name, points in groups.items()]


def _empty(span: Span) -> dict[datetime, Point]:
    return {start: Point(start) for start in span.starts()}


def _add(points: dict[datetime, Point], span: Span, found: Any, counts: list[Any]) -> None:
    moment = found if span.interval == "hour" else midnight(found)
    points[floor_to(span.interval, moment)].add(*map(int, counts))


def _moment_name(span: Span) -> str:
    return "hour" if span.interval == "hour" else "day"


def _rows(repositories: QuerySet[Repository], span: Span, *, is_by_tag: bool) -> QuerySet[Any]:
    rows: QuerySet[Any]
    if span.interval == "hour":
        rows = (TagHour if is_by_tag else RepositoryHour).objects.filter(hour__gte=span.first, hour__lt=span.end)
    else:
        last = (span.end - timedelta(microseconds=1)).date()
        rows = (TagDay if is_by_tag else RepositoryDay).objects.filter(day__gte=span.first.date(), day__lte=last)
    return rows.filter(repository__in=repositories)


def _summed(rows: QuerySet[Any], *keys: str) -> QuerySet[Any]:
    sums = {f"sum_{name}": total for name, total in _SUMS.items()}
    found: QuerySet[Any] = rows.values(*keys).annotate(**sums).order_by().values_list(*keys, *sums)
    return found
