"""What was pulled, checked and pushed: figures of the last day, the chart of a window, and who leads in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from notifications.analytics.firsts import first_counted
from notifications.analytics.models import RepositoryTotals
from notifications.analytics.scope import Scope
from notifications.analytics.series import Point, series
from notifications.analytics.spans import Span, midnight
from notifications.analytics.windows import Window
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
    excluded: Figure
    pullers_yesterday: int | None
    pushed_repositories: int

    @property
    def also(self) -> str:
        """What there is to say beside the pulls."""
        words = [f"{self.excluded.count:,} excluded"] if self.excluded.count else []
        if self.pullers_yesterday:
            words.append(f"{self.pullers_yesterday:,} pullers yesterday")
        return " · ".join(words)


@dataclass(frozen=True, slots=True)
class Activity:
    """What the switch of the window changes."""

    window: Window
    chart: Chart | None
    leaders: Sequence[Leader]


def last_day(scope: Scope, now: datetime) -> Day:
    """Three queries."""
    before = before_window("24h", now)
    assert before is not None
    points = series(scope, Span("hour", before.edge, now))
    yesterday = series(scope, Span("day", now - timedelta(days=1), midnight(now)))
    sight = Q() if scope.sees_private else Q(repository__is_public=True)
    pushed = RepositoryTotals.objects.filter(sight, pushes_24h__gt=0).count()
    return Day(
        pulls=_figure(points, "pulls", before),
        checks=_figure(points, "checks", before),
        pushes=_figure(points, "pushes", before),
        excluded=_figure(points, "excluded", before),
        pullers_yesterday=yesterday[0].pullers,
        pushed_repositories=pushed,
    )


def read_activity(scope: Scope, window: Window, now: datetime) -> Activity:
    """Four queries, and one more for all time."""
    points, chart = read_chart(scope, window, now)
    total = sum(point.pulls for point in points)
    return Activity(window, chart, leaders(scope, window, now, total))


def read_chart(
    scope: Scope, window: Window, now: datetime, tag: str = "", first: datetime | None = None
) -> tuple[Sequence[Point], Chart | None]:
    """The points of a window, all repositories together, and what they look like.

    `first` is when counting began; without it, all time costs a query more.
    """
    if window == "all" and first is None:
        first = first_counted(scope)
    span = window_span(window, now, first)
    points = series(scope, span, tag)
    if window == "7d":
        points = coarser(points, _STEP_HOURS)
    return points, draw(points, span.interval)


def _figure(points: Sequence[Point], name: str, before: Before) -> Figure:
    counts = [(point.start, getattr(point, name)) for point in points]
    now = sum(count for start, count in counts if start >= before.end)
    return Figure(now, compare(now, sum(count * before.weight(start) for start, count in counts)))
