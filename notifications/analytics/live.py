"""The rows of counters by hour, day, week or month.

Days that are over have rows of their own, of later ones there are only hours. One statement reads both and which days
are over, so that nothing is missed or read twice when a day ends meanwhile.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from notifications.analytics.days import day_of_hour
from notifications.analytics.spans import Interval, Span, floor_to, midnight
from notifications.analytics.tables import DAYS_OF, Table

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
    live = _branch(hours.name, columns.format(pullers="CAST(NULL AS bigint)"), "hour", condition)
    if span.interval == "hour":
        return _between(live.format(step="hour"), condition, span.first, _end(span))
    truncated = _TRUNCATED[connection.vendor][span.interval]
    over = _OVER.format(zone="+00" if connection.vendor == "postgresql" else "")
    days = DAYS_OF[hours]
    known = "pullers" if "pullers" in days.counts else "CAST(NULL AS bigint)"
    old = _branch(days.name, columns.format(pullers=known), "day", condition)
    old = old.format(step=truncated.format(day="day")) + f" AND day < {_as_day(over)}"
    new = live.format(step=truncated.format(day=day_of_hour())) + f" AND hour >= {over}"
    first, end = span.first, _end(span)
    before = _between(old, condition, first.date().isoformat(), end.date().isoformat())
    after = _between(new, condition, first, end)
    return Clause(f"{before.sql} UNION ALL {after.sql}", (*before.parameters, *after.parameters))


def live_pullers(condition: Clause, columns: str, span: Span) -> Clause:
    """`columns` and `step` of each client that pulled on a day that is not over, to be counted."""
    over = _OVER.format(zone="+00" if connection.vendor == "postgresql" else "")
    step = _TRUNCATED[connection.vendor][span.interval].format(day="day")
    return Clause(
        f"SELECT {columns}, {step} AS step FROM analytics_puller WHERE {condition.sql}"  # noqa: S608
        f" AND pulls > 0 AND day >= %s AND day < %s AND day >= {_as_day(over)}",
        (*condition.parameters, span.first.date().isoformat(), _end(span).date().isoformat()),
    )


def moment_of(stored: datetime | date | str) -> datetime:
    """A moment, or when a day began, as the database says it: SQLite has no zones, and sometimes only text."""
    if isinstance(stored, str):
        stored = datetime.fromisoformat(stored)
    if not isinstance(stored, datetime):
        return midnight(stored)
    return stored.astimezone(UTC) if stored.tzinfo else stored.replace(tzinfo=UTC)


def _branch(table: str, columns: str, moment: str, condition: Clause) -> str:
    return (
        f"SELECT {columns}, {{step}} AS step FROM {table}"  # noqa: S608
        f" WHERE {condition.sql} AND {moment} >= %s AND {moment} < %s"
    )


def _between(sql: str, condition: Clause, first: datetime | str, end: datetime | str) -> Clause:
    return Clause(sql, (*condition.parameters, _adapted(first), _adapted(end)))


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
