"""Leaderboards: who leads in a window of time, by one query each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import F, QuerySet, Sum

from notifications.analytics.models import RepositoryDay, RepositoryHour, RepositoryTotals
from notifications.analytics.windows import Window, window_start
from registryhub.access.models import Repository


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a board."""

    rank: int
    repository: str
    source: str
    pulls: int


Board = Callable[[QuerySet[Repository], Window, datetime, int], Sequence[Place]]


def most_pulled(repositories: QuerySet[Repository], window: Window, now: datetime, limit: int) -> list[Place]:
    """Pulls by repository, the most first, ties by name; those without any are left out."""
    try:
        visible, seen = _sql(repositories.values("pk"))
    except EmptyResultSet:
        return []
    sums, since = _sql(_sums(window, now))
    with connection.cursor() as cursor:
        cursor.execute(_BOARD.format(sums=sums, visible=visible), (*since, *seen, limit))
        return [Place(rank, name, source, int(total)) for rank, (name, source, total) in enumerate(cursor, start=1)]


BOARDS: Mapping[str, Board] = {"most-pulled": most_pulled}

# Added up by number first, then sifted and named: what the ORM writes joins and groups every row by its names, which
# took ten times as long over a million rows.
_BOARD = """
SELECT repository.name, source.name, board.total FROM ({sums}) AS board
JOIN access_repository repository ON repository.id = board.repository_id
JOIN access_source source ON source.id = repository.source_id
WHERE board.repository_id IN ({visible})
ORDER BY board.total DESC, repository.name, source.name LIMIT %s
"""


def _sql(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """The statement and its parameters. Raises EmptyResultSet for `.none()`."""
    statement, parameters = rows.order_by().query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statement, tuple(parameters)


def _sums(window: Window, now: datetime) -> QuerySet[Any]:
    """(repository_id, total) of all that have any."""
    start = window_start(window, now)
    rows: QuerySet[Any]
    if start is None:
        rows = RepositoryTotals.objects.filter(pulls__gt=0).values("repository_id", total=F("pulls"))
        return rows
    if window == "24h":
        rows = RepositoryHour.objects.filter(hour__gte=start)
    else:
        rows = RepositoryDay.objects.filter(day__gte=start.date())
    rows = rows.values("repository_id").annotate(total=Sum("pulls")).filter(total__gt=0)
    return rows
