"""Leaderboards: who leads in a window of time, by one query each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import F, QuerySet, Sum

from notifications.analytics.models import RepositoryDay, RepositoryHour, RepositoryTotals
from notifications.analytics.spans import floor_hour
from registryhub.access.models import Repository

Window = Literal["24h", "7d", "30d", "90d", "all"]

DAYS: Mapping[str, int] = {"7d": 7, "30d": 30, "90d": 90}
WINDOWS: tuple[Window, ...] = ("24h", "7d", "30d", "90d", "all")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a board."""

    rank: int
    repository: str
    source: str
    pulls: int


Board = Callable[[QuerySet[Repository], Window, datetime, int], Sequence[Place]]


def window_start(window: Window, now: datetime) -> datetime | None:
    """The hour (24h) or day a window begins with: the one that `now` minus the window falls into; None for all."""
    if window == "24h":
        return floor_hour(now - timedelta(hours=24))
    if window in DAYS:
        return (now - timedelta(days=DAYS[window])).replace(hour=0, minute=0, second=0, microsecond=0)
    return None


def most_pulled(repositories: QuerySet[Repository], window: Window, now: datetime, limit: int) -> list[Place]:
    """Pulls by repository, the most first, ties by name; those without any are left out."""
    rows = _sums(repositories, window, now).order_by("-total", "repository__name", "repository__source__name")
    return [
        Place(rank, name, source, int(total))
        for rank, (name, source, total) in enumerate(
            rows.values_list("repository__name", "repository__source__name", "total")[:limit], start=1
        )
    ]


BOARDS: Mapping[str, Board] = {"most-pulled": most_pulled}


def _sums(repositories: QuerySet[Repository], window: Window, now: datetime) -> QuerySet:
    start = window_start(window, now)
    if start is None:
        totals = RepositoryTotals.objects.filter(repository__in=repositories, pulls__gt=0)
        return totals.annotate(total=F("pulls"))
    rows: QuerySet
    if window == "24h":
        rows = RepositoryHour.objects.filter(hour__gte=start)
    else:
        rows = RepositoryDay.objects.filter(day__gte=start.date())
    grouped = rows.filter(repository__in=repositories).values("repository__name", "repository__source__name")
    return grouped.annotate(total=Sum("pulls")).filter(total__gt=0)
