"""Counts over time, whatever they are grouped by: one query each, which reads rolled-up rows of the span."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications.analytics.live import Clause, join, live_pullers, moment_of, rows
from notifications.analytics.scope import Scope
from notifications.analytics.spans import MAX_POINTS, Span, TooManyPoints
from notifications.analytics.tables import REPOSITORY_HOURS, USE, Table
from notifications.analytics.values import FETCHED, VALUES, table_for, values_of
from notifications.analytics.windows import WINDOWS, window_start

KEYS = ("tag", "digest", *USE)
"""What can be asked for beside repositories and sources; all of them are columns."""

GROUPINGS = ("repository", "source", *KEYS)

_COLUMNS = {"repository": "repository_id", "source": "source_id"}
_NAMES = {
    "repository": "(SELECT name FROM access_repository WHERE id = counted.name)",
    "source": "(SELECT name FROM access_source WHERE id = counted.name)",
}

_STATEMENT = """
WITH {chosen} counted AS ({counted}), leaders AS (
SELECT name FROM counted GROUP BY name ORDER BY SUM(pulls) DESC, {rest}, name LIMIT %s
) SELECT {label}, counted.step, {values} FROM counted JOIN leaders ON leaders.name = counted.name
"""


@dataclass(slots=True)
class Point:
    """The counts of the hour, day, week or month that begins at `start`; None for what is not known there."""

    start: datetime
    pulls: int = 0
    checks: int = 0
    pushes: int = 0
    excluded: int | None = None
    bytes: int | None = None
    pullers: int | None = None
    requests: int | None = None

    def add(self, pulls: int, checks: int, pushes: int) -> None:
        self.pulls += pulls
        self.checks += checks
        self.pushes += pushes


@dataclass(frozen=True, slots=True)
class Group:
    """The points of one tag, repository or whatever is grouped by."""

    name: str
    points: Sequence[Point]

    def total(self, value: str) -> int:
        """Of all points, as far as they are known."""
        return sum(getattr(point, value) or 0 for point in self.points)


@dataclass(frozen=True, slots=True)
class Question:
    """`only` says what the keys must be; `group_by` is one of GROUPINGS, "" for everything together."""

    scope: Scope
    span: Span
    only: Mapping[str, str] = field(default_factory=dict)
    group_by: str = ""
    limit: int = 10

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is about."""
        return (*self.only, self.group_by)

    @property
    def table(self) -> Table:
        is_of_repositories = self.scope.repositories is not None or self.group_by == "repository"
        return table_for(self.names, is_of_repositories=is_of_repositories)

    @property
    def values(self) -> Mapping[str, str]:
        """What is known, in the database's words."""
        found = dict(values_of(self.table, self.names))
        if self.span.interval == "hour":
            found.pop("pullers", None)
        return found


def series(scope: Scope, span: Span, tag: str = "") -> Sequence[Point]:
    """One point for each interval of the span, also where nothing was counted; "" means all tags together.

    Raises TooManyPoints.
    """
    groups = read_groups(Question(scope, span, {"tag": tag} if tag else {}))
    return groups[0].points


def read_groups(question: Question) -> Sequence[Group]:
    """Those with the most pulls in the span, each with all its points; without grouping one, without a name.

    Raises TooManyPoints.
    """
    starts = question.span.starts()
    if not question.group_by:
        return [_group(question, "", starts, _read(question).get("", {}))]
    found = _read(question)
    if len(found) * len(starts) > MAX_POINTS:
        raise TooManyPoints(f"More than {MAX_POINTS} points; ask for fewer groups or a longer interval.")
    groups = [_group(question, name, starts, counts) for name, counts in found.items()]
    kept = [group for group in groups if any(group.total(value) for value in VALUES)]
    return sorted(kept, key=lambda group: (-group.total("pulls"), -group.total("requests"), group.name))


Counts = dict[datetime, dict[str, Any]]
"""By step, the values that are known."""


def _group(question: Question, name: str, starts: Iterable[datetime], counts: Counts) -> Group:
    nothing = dict.fromkeys(question.values, 0) | (
        {"pullers": _unknown(question)} if "pullers" in question.values else {}
    )
    return Group(name, [Point(start, **(counts.get(start) or nothing)) for start in starts])


def _unknown(question: Question) -> int | None:
    """What it means that no pullers were found: of all repositories of a source they are known when the day is over."""
    return 0 if question.table is REPOSITORY_HOURS else None


def _read(question: Question) -> dict[str, Counts]:
    statement, values = _statement(question), list(question.values)
    unknown = _unknown(question)
    found: dict[str, Counts] = {}
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        for name, step, *counts in cursor:
            known = (unknown if count is None else int(count) for count in counts)
            found.setdefault(name, {})[moment_of(step)] = dict(zip(values, known, strict=True))
    return found


def _statement(question: Question) -> Clause:
    counted, chosen = _counted(question), _chosen(question)
    values = question.values
    rest = "SUM(requests) DESC" if "requests" in values else "SUM(checks) + SUM(pushes) DESC"
    sql = _STATEMENT.format(
        chosen=chosen.sql,
        counted=counted.sql,
        rest=rest,
        label=_NAMES.get(question.group_by, "counted.name"),
        values=", ".join(f"counted.{value}" for value in values),
    )
    return Clause(sql, (*chosen.parameters, *counted.parameters, question.limit))


def _counted(question: Question) -> Clause:
    """By group and step, everything added up."""
    table, values = question.table, question.values
    key = _COLUMNS.get(question.group_by, question.group_by) or "''"
    columns = ", ".join((f"{key} AS name", *(f"{expression} AS {value}" for value, expression in values.items())))
    condition = _condition(question)
    steps = rows(table, columns, condition, question.span)
    if table is REPOSITORY_HOURS and "pullers" in values:
        listed = ", ".join((f"{key} AS name", *("1" if value == "pullers" else "0" for value in values)))
        more = live_pullers(condition, listed, question.span)
        steps = Clause(f"{steps.sql} UNION ALL {more.sql}", (*steps.parameters, *more.parameters))
    sums = ", ".join(f"SUM({value}) AS {value}" for value in values)
    return Clause(f"SELECT name, step, {sums} FROM ({steps.sql}) AS steps GROUP BY name, step", steps.parameters)  # noqa: S608


def _condition(question: Question) -> Clause:
    whose = Clause(_OF_CHOSEN) if _is_of_leaders(question) else question.scope.condition()
    only = [Clause(f"{name} = %s", (value,)) for name, value in question.only.items()]
    fetched = [Clause(FETCHED)] if "platform" in question.names else []
    return join(whose, *only, *fetched)


def _is_of_leaders(question: Question) -> bool:
    return question.scope.repositories is None and question.group_by == "repository"


_OF_CHOSEN = "repository_id IN (SELECT repository_id FROM chosen)"


def _chosen(question: Question) -> Clause:
    """Who may lead in the span: the most pulled of the shortest window that holds it. Looked for once for all parts."""
    if not _is_of_leaders(question):
        return Clause("")
    sight = question.scope.sight()
    sql = (
        "chosen AS MATERIALIZED (SELECT totals.repository_id FROM analytics_repositorytotals totals"  # noqa: S608
        f" JOIN access_repository repository ON repository.id = totals.repository_id WHERE {sight.sql}"
        f" ORDER BY totals.{_window_column(question.span)} DESC, repository.name LIMIT %s),"
    )
    return Clause(sql, (*sight.parameters, question.limit))


def _window_column(span: Span) -> str:
    now = timezone.now()
    for window in WINDOWS:
        start = window_start(window, now)
        if start is not None and start <= span.first:
            return f"pulls_{window}"
    return "pulls"
