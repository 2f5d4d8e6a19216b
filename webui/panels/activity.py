"""What was pulled, checked and pushed: figures of the last day, the chart of a window, and who leads in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet, Sum

from notifications.analytics.models import RepositoryDay, RepositoryHour
from notifications.analytics.series import Point, series
from notifications.analytics.spans import midnight
from notifications.analytics.windows import Window
from registryhub.access.models import Repository
from webui.charts import Chart, draw
from webui.panels.board import Leader, leaders
from webui.panels.change import Change, compare
from webui.panels.windows import Before, before_window, coarser, window_span

_NAMES = ("pulls", "checks", "pushes")
_STEP_HOURS = 3  # of the week: a point an hour would be too many to look at


@dataclass(frozen=True, slots=True)
class Figure:
    """A count of the last 24 hours, by whole hours, and how it compares with the day before."""

    count: int
    change: Change | None


@dataclass(frozen=True, slots=True)
class Day:
    """The figures on top of the page."""

    pulls: Figure
    checks: Figure
    pushes: Figure
    pushed_repositories: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What the switch of the window changes."""

    window: Window
    chart: Chart | None
    leaders: Sequence[Leader]


def last_day(repositories: QuerySet[Repository], now: datetime) -> Day:
    """One query."""
    before = before_window("24h", now)
    assert before is not None
    within, earlier, edge = Q(hour__gte=before.end), Q(hour__gte=before.start, hour__lt=before.end), Q(hour=before.edge)
    sums = {f"{name}_now": Sum(name, default=0, filter=within) for name in _NAMES}
    sums |= {f"{name}_before": Sum(name, default=0, filter=earlier) for name in _NAMES}
    sums |= {f"{name}_edge": Sum(name, default=0, filter=edge) for name in _NAMES}
    pushed = Count("repository", distinct=True, filter=within & Q(pushes__gt=0))
    hours = RepositoryHour.objects.filter(hour__gte=before.edge, repository__in=repositories)
    found = hours.aggregate(**sums, pushed=pushed)
    figures = {name: _figure(found, name, before) for name in _NAMES}
    return Day(**figures, pushed_repositories=found["pushed"])


def read_activity(repositories: QuerySet[Repository], window: Window, now: datetime) -> Activity:
    """Three queries, and one more for all time."""
    points, chart = read_chart(repositories, window, now)
    total = sum(point.pulls for point in points)
    return Activity(window, chart, leaders(repositories, window, now, total))


def read_chart(
    repositories: QuerySet[Repository], window: Window, now: datetime, tag: str = "", first: datetime | None = None
) -> tuple[Sequence[Point], Chart | None]:
    """The points of a window, all repositories together, and what they look like.

    `first` is when counting began; without it, all time costs a query more.
    """
    if window == "all" and first is None:
        first = first_day(repositories)
    span = window_span(window, now, first)
    points = series(repositories, tag, span)
    if window == "7d":
        points = coarser(points, _STEP_HOURS)
    return points, draw(points, span.interval)


def first_day(repositories: QuerySet[Repository]) -> datetime | None:
    """When counting began."""
    days = RepositoryDay.objects.filter(repository__in=repositories).order_by("day").values_list("day", flat=True)
    found = days.first()
    return midnight(found) if found else None


def _figure(found: dict[str, int], name: str, before: Before) -> Figure:
    was = float(found[f"{name}_before"]) + before.part_of_edge * float(found[f"{name}_edge"])
    return Figure(int(found[f"{name}_now"]), compare(found[f"{name}_now"], was))
