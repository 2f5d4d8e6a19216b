"""Leaderboards: who leads in a window of time.

Most are read from the totals, which keep the numbers of each window: one row a repository, however long the window.
What is only counted by hours and days is looked up for a bounded number of candidates.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from notifications.analytics.live import Clause, moment_of, rows
from notifications.analytics.scope import Scope, among
from notifications.analytics.spans import Span
from notifications.analytics.tables import REPOSITORY_HOURS, SOURCE_USE_HOURS, USE_HOURS, WINDOWED, Table
from notifications.analytics.trends import GROWTH, SCORE, trend_parameters
from notifications.analytics.values import FETCHED, values_of
from notifications.analytics.windows import WINDOWS, Window, read_frame, window_start

CANDIDATES = 50
"""So many of the most pulled are looked at for what the totals do not tell."""

_SHORT: tuple[Window, ...] = ("24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a board: a repository, or somebody; `value` is what the board is about, in its unit.

    `pulls` are those of the window, `excluded` the pulls that were not counted in it.
    """

    rank: int
    value: int
    pulls: int
    excluded: int
    source: str = ""
    repository: str = ""
    actor: str = ""
    last_pushed_at: datetime | None = None
    repository_id: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """What a board is asked for; `since` is when the window began, None for all time."""

    scope: Scope
    window: Window
    since: datetime | None
    now: datetime
    limit: int

    def span(self) -> Span:
        """Of a window that has a beginning."""
        assert self.since is not None
        return Span("hour" if self.window == "24h" else "day", self.since, self.now)

    def column(self, name: str) -> str:
        """Of the totals: the number of that name in the window."""
        return f"totals.{name}" if self.window == "all" else f"totals.{name}_{self.window}"


@dataclass(frozen=True, slots=True)
class Board:
    """`unit` is what the values are."""

    name: str
    title: str
    unit: str
    read: Callable[[Ask], Sequence[Line]]
    windows: Sequence[Window] = WINDOWS
    is_for_staff: bool = False


def boards() -> Mapping[str, Board]:
    """By name, in the order in which they are shown: those of the counters, and those of settings.BOARDS."""
    return {board.name: board for board in (*_BOARDS, *_others())}


def read_board(board: Board, scope: Scope, window: Window, now: datetime, limit: int) -> tuple[Ask, Sequence[Line]]:
    """What was asked, with the beginning of the window as it is counted, and the lines. Three queries at most."""
    asked = Ask(scope, window, since(window, now), now, limit)
    return asked, board.read(asked)


def since(window: Window, now: datetime) -> datetime | None:
    """Since when a window counts. One query, for all time none."""
    if window == "all":
        return None
    frame = read_frame()
    return (frame.since.get(window) if frame else None) or window_start(window, now)


def by_totals(value: str, *, only: str = "{value} > 0", order: str = "{value} DESC") -> Callable[[Ask], Sequence[Line]]:
    """A board of totals; `value` is one of their numbers, in the window, or an expression that is the same in all."""

    def read(asked: Ask) -> Sequence[Line]:
        name = asked.column(value) if value.isidentifier() else value
        words = {"value": name, "pulls": asked.column("pulls")}
        return read_totals(asked, Clause(name), Clause(only.format(**words)), Clause(order.format(**words)))

    return read


def read_totals(asked: Ask, value: Clause, only: Clause, order: Clause) -> Sequence[Line]:
    """Ties go by name. Two queries."""
    sight = asked.scope.sight()
    statement = _TOTALS.format(
        value=value.sql, pulls=asked.column("pulls"), sight=sight.sql, only=only.sql, order=order.sql
    )
    parameters = (*value.parameters, *sight.parameters, *only.parameters, *order.parameters, asked.limit)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchall()
    lines = [
        Line(rank, int(number), int(pulls), int(excluded), source, repository, "", pushed and moment_of(pushed), key)
        for rank, (key, repository, source, number, pulls, excluded, pushed) in enumerate(found, start=1)
    ]
    return lines if asked.window == "all" else _with_excluded(asked, lines)


_TOTALS = """
SELECT repository.id, repository.name, source.name, {value}, {pulls}, totals.excluded, totals.last_pushed_at
FROM analytics_repositorytotals totals
JOIN access_repository repository ON repository.id = totals.repository_id
JOIN access_source source ON source.id = repository.source_id
WHERE {sight} AND {only} ORDER BY {order}, repository.name, source.name LIMIT %s
"""


def _with_excluded(asked: Ask, lines: Sequence[Line]) -> Sequence[Line]:
    """Of the window instead of all time."""
    if not lines:
        return lines
    whose = among("repository_id", (line.repository_id for line in lines))
    counts = dict(_add_up(REPOSITORY_HOURS, "repository_id AS name, excluded", "SUM(excluded)", whose, asked))
    return [replace(line, excluded=int(counts.get(line.repository_id, 0))) for line in lines]


def most_platforms(asked: Ask) -> Sequence[Line]:
    """Of the most pulled, by how many platforms were fetched."""
    first = by_totals("pulls")(replace(asked, limit=CANDIDATES))
    if not first:
        return first
    whose = among("repository_id", (line.repository_id for line in first))
    condition = Clause(f"{whose.sql} AND {FETCHED}", whose.parameters)
    counts = dict(_add_up(USE_HOURS, "repository_id AS name, platform", "COUNT(DISTINCT platform)", condition, asked))
    lines = [replace(line, value=int(counts.get(line.repository_id, 0))) for line in first]
    lines = sorted((line for line in lines if line.value), key=lambda line: -line.value)[: asked.limit]
    return [replace(line, rank=rank) for rank, line in enumerate(lines, start=1)]


def top_actors(asked: Ask) -> Sequence[Line]:
    """Who asked for and pushed most manifests."""
    whose = asked.scope.condition()
    condition = Clause(f"{whose.sql} AND actor <> ''", whose.parameters)
    values = values_of(SOURCE_USE_HOURS, ("actor",))
    names = ("requests", "pulls", "excluded")
    columns = ", ".join(("actor AS name", *(f"{values[name]} AS {name}" for name in names)))
    sums = ", ".join(f"SUM({name})" for name in names)
    order = Clause("ORDER BY 2 DESC, 1 LIMIT %s", (asked.limit,))
    found = _add_up(SOURCE_USE_HOURS, columns, sums, condition, asked, order)
    return [
        Line(rank, int(value), int(pulls), int(excluded), actor=actor)
        for rank, (actor, value, pulls, excluded) in enumerate(found, start=1)
    ]


def trending(asked: Ask) -> Sequence[Line]:
    """How much more was pulled than the time before lets expect; see docs/counting.md."""
    frame = read_frame()
    if frame is None or asked.since is None:
        return []
    growth = GROWTH[asked.window]
    parameters = trend_parameters(asked.window, frame.since, asked.now)
    words = {"growth": growth, "pulls": asked.column("pulls")}
    return read_totals(
        asked,
        Clause(f"ROUND({growth})", parameters),
        Clause(f"{words['pulls']} >= 5 AND {growth} >= 1", parameters),
        Clause(f"{SCORE.format(**words)} DESC", (*parameters, *parameters)),
    )


_BY_NAME = Clause("ORDER BY 1")


def _add_up(
    hours: Table, columns: str, sums: str, condition: Clause, asked: Ask, order: Clause = _BY_NAME
) -> Iterable[tuple[Any, ...]]:
    """By name, over the window."""
    steps = rows(hours, columns, condition, asked.span())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, {sums} FROM ({steps.sql}) AS steps GROUP BY name {order.sql}",  # noqa: S608
            (*steps.parameters, *order.parameters),
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


_AGE = {
    "postgresql": "EXTRACT(EPOCH FROM now() - totals.last_pushed_at)",
    "sqlite": "(julianday('now') - julianday(totals.last_pushed_at)) * 86400",
}


def _freshest(asked: Ask) -> Sequence[Line]:
    known = "totals.last_pushed_at IS NOT NULL"
    began = connection.ops.adapt_datetimefield_value(asked.since) if asked.since else None
    only = Clause("totals.last_pushed_at >= %s", (began,)) if began else Clause(known)
    return read_totals(asked, Clause(_AGE[connection.vendor]), only, Clause("totals.last_pushed_at DESC"))


def _stalest(asked: Ask) -> Sequence[Line]:
    only = Clause(f"totals.last_pushed_at IS NOT NULL AND {asked.column('pulls')} > 0")
    return read_totals(asked, Clause(_AGE[connection.vendor]), only, Clause("totals.last_pushed_at"))


_WITH_PULLERS: Sequence[Window] = tuple(w for w in WINDOWS if w == "all" or "pullers" in WINDOWED[w])

_BOARDS = (
    Board("most-pulled", "Most pulled", "pulls", by_totals("pulls")),
    Board("trending", "Trending", "more pulls", trending, _SHORT),
    Board("most-pullers", "Most pullers", "puller-days", by_totals("pullers"), _WITH_PULLERS),
    Board("most-pushed", "Most pushed", "pushes", by_totals("pushes")),
    Board("most-checked", "Most checked", "checks", by_totals("checks"), ("all",)),
    Board("freshest", "Freshest", "seconds", _freshest),
    Board("stalest-still-pulled", "Stalest still pulled", "seconds", _stalest),
    Board("largest-bytes", "Most bytes", "bytes", by_totals("bytes")),
    Board("most-platforms", "Most platforms", "platforms", most_platforms, _SHORT),
    Board("top-actors", "Top actors", "requests", top_actors, _SHORT, is_for_staff=True),
)


@cache
def _others() -> Sequence[Board]:
    return tuple(board for path in settings.BOARDS for board in import_string(path)())
