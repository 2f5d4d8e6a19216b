"""The rows of counters by hour, day, week or month.

Days that are over have rows of their own, of later ones there are only hours. One statement reads both and which days
are over, so that nothing is missed or read twice when a day ends meanwhile.

Keys begin with the time, so what is wanted of a repository is looked for in each hour and day of the span that there
is: these stand in the tables of sources, which have few rows of each.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from notifications.analytics.days import day_of_hour
from notifications.analytics.spans import Interval, Span, floor_to, midnight
from notifications.analytics.tables import DAYS_OF, SOURCE_DAYS, SOURCE_HOURS, Table

_OVER = "COALESCE((SELECT since FROM analytics_windowstart WHERE \"window\" = 'days'), '1970-01-01 00:00:00{zone}')"

_TRUNCATED: Mapping[str, Mapping[Interval, str]] = {
    "postgresql": {
        "day": "{day}",
        "week": "date_trunc('week', {day}::timestamp)::date",
        "month": "date_trunc('month', {day}::timestamp)::date",
    },
    "sqlite": {
        "day": "{day}",
        "week": "date({day}, 'weekday 0', '-6 days')",
        "month": "date({day}, 'start of month')",
    },
}


class Clause(NamedTuple):
    """A part of a statement with its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


def join(*clauses: Clause) -> Clause:
    """All of these conditions."""
    return Clause(
        " AND ".join(clause.sql for clause in clauses),
        tuple(parameter for clause in clauses for parameter in clause.parameters),
    )


def rows(hours: Table, columns: str, condition: Clause, span: Span) -> Clause:
    """`columns` and `step`, which says when the row's hour, day, week or month began; not yet added up.

    `{pullers}` among the columns is their number where it is known: in days that are over.
    """
    live = _branch(hours.name, columns.format(pullers="CAST(NULL AS bigint)"), _HOUR, condition)
    first, end = span.first, _end(span)
    if span.interval == "hour":
        return _between(live.format(step="hour", more=""), condition, first, end)
    truncated = _TRUNCATED[connection.vendor][span.interval]
    over = _over()
    days = DAYS_OF[hours]
    known = "pullers" if "pullers" in days.counts else "CAST(NULL AS bigint)"
    old = _branch(days.name, columns.format(pullers=known), _DAY, condition)
    old = old.format(step=truncated.format(day="day"), more=f" AND day < {_as_day(over)}")
    new = live.format(step=truncated.format(day=day_of_hour()), more=f" AND hour >= {over}")
    before = _between(old, condition, first.date().isoformat(), end.date().isoformat())
    after = _between(new, condition, first, end)
    return Clause(f"{before.sql} UNION ALL {after.sql}", (*before.parameters, *after.parameters))


def live_pullers(condition: Clause, columns: str, span: Span) -> Clause:
    """`columns` and `step` of each client that pulled on a day that is not over, to be counted."""
    step = _TRUNCATED[connection.vendor][span.interval].format(day="day")
    known = f"SELECT DISTINCT {day_of_hour()} FROM {_HOUR.known} WHERE {_bounds(_HOUR)} AND hour >= {_over()}"  # noqa: S608
    sql = (
        f"SELECT {columns}, {step} AS step FROM analytics_puller"  # noqa: S608
        f" WHERE {_one_of('day', known)} AND {condition.sql} AND pulls > 0"
    )
    return _between(sql, condition, span.first, _end(span))


def ever(table: Table) -> str:
    """A condition that holds for all rows of a table of hours or days, and lets the rest of its key be used."""
    moment = _HOUR if "hour" in table.keys else _DAY
    return _one_of(moment.name, f"SELECT {moment.name} FROM {moment.known}")  # noqa: S608


def moment_of(stored: datetime | date | str) -> datetime:
    """A moment, or when a day began, as the database says it: SQLite has no zones, and sometimes only text."""
    if isinstance(stored, str):
        stored = datetime.fromisoformat(stored)
    if not isinstance(stored, datetime):
        return midnight(stored)
    return stored.astimezone(UTC) if stored.tzinfo else stored.replace(tzinfo=UTC)


class _Moment(NamedTuple):
    """A column, and the table that has a row of each hour or day in which anything was counted."""

    name: str
    known: str


_HOUR = _Moment("hour", SOURCE_HOURS.name)
_DAY = _Moment("day", SOURCE_DAYS.name)


def _branch(table: str, columns: str, moment: _Moment, condition: Clause) -> str:
    known = _one_of(moment.name, f"SELECT {moment.name} FROM {moment.known} WHERE {_bounds(moment)}{{more}}")  # noqa: S608
    return f"SELECT {columns}, {{step}} AS step FROM {table} WHERE {known} AND {condition.sql}"  # noqa: S608


def _one_of(column: str, query: str) -> str:
    """PostgreSQL uses an index for an array, whatever it thinks of how many rows the query has."""
    return f"{column} = ANY(ARRAY({query}))" if connection.vendor == "postgresql" else f"{column} IN ({query})"


def _bounds(moment: _Moment) -> str:
    return f"{moment.name} >= %s AND {moment.name} < %s"


def _between(sql: str, condition: Clause, first: datetime | str, end: datetime | str) -> Clause:
    return Clause(sql, (_adapted(first), _adapted(end), *condition.parameters))


def _over() -> str:
    return _OVER.format(zone="+00" if connection.vendor == "postgresql" else "")


def _adapted(moment: datetime | str) -> Any:
    return moment if isinstance(moment, str) else connection.ops.adapt_datetimefield_value(moment)


def _as_day(moment: str) -> str:
    return f"({moment} AT TIME ZONE 'UTC')::date" if connection.vendor == "postgresql" else f"date({moment})"


def _end(span: Span) -> datetime:
    """The hour or day that the end falls into belongs to it."""
    step: Interval = "hour" if span.interval == "hour" else "day"
    start = floor_to(step, span.end)
    length = timedelta(hours=1) if step == "hour" else timedelta(days=1)
    return start if start == span.end else start + length
