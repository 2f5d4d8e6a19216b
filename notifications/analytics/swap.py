"""Letting what was counted again take the place of what was counted. Inside `staging`, on the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import connection

from notifications.analytics.days import day_of_hour
from notifications.analytics.live import moment_of
from notifications.analytics.portions import Days
from notifications.analytics.sessions import SLOT_SECONDS
from notifications.analytics.staging import main, staged
from notifications.analytics.tables import (
    DAYS_OF,
    REPOSITORY_DAYS,
    REPOSITORY_HOURS,
    REPOSITORY_TOTALS,
    SOURCE_USE_HOURS,
    TOTALS_OF,
    WINDOWED,
    Table,
)

_FIRST, _END = "1970-01-01 00:00:00", "9999-01-01 00:00:00"
_TRACE = ("repository_id", "client", "slot", "asks", "changed_on")
_PULLER = ("repository_id", "day", "who", "pulls", "changed_on")


def list_days() -> Sequence[date]:
    """All on which anything was counted, by the old counters or the new ones, in order."""
    name = SOURCE_USE_HOURS.name
    day = day_of_hour()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {day} FROM {main(name)} UNION SELECT {day} FROM {staged(name)} ORDER BY 1"  # noqa: S608
        )
        found = [day for (day,) in cursor.fetchall()]
    return [day if isinstance(day, date) else date.fromisoformat(day) for day in found]


def replace_days(days: Days) -> None:
    """Everything that belongs to them."""
    starts = _starts()
    start, end = _bounds(days)
    over = min(end, starts["days"])
    _shift(start, end, "-", starts)
    for each in DAYS_OF:
        _replace(each.name, each.columns, "hour >= %s AND hour < %s", (start, end))
    for each in DAYS_OF.values():
        _replace(each.name, each.columns, "day >= %s AND day < %s", (start[:10], over[:10]))
    _replace("analytics_trace", _TRACE, "slot >= %s AND slot < %s", (_slot(start), _slot(end)))
    _replace("analytics_puller", _PULLER, "day >= %s AND day < %s", (start[:10], end[:10]))
    _make_totals(start, end)
    _shift(start, end, "+", starts)


def replace_totals() -> None:
    """When everything was counted again: the numbers from hours and days, the clocks as the events have them."""
    for totals in TOTALS_OF.values():
        keys, clocks, nothing = ", ".join(totals.keys), ", ".join(totals.clocks), ", ".join("0" for _ in totals.counts)
        _execute(f"DELETE FROM {main(totals.name)}", ())  # noqa: S608
        _execute(
            f"INSERT INTO {main(totals.name)} ({', '.join(totals.columns)})"  # noqa: S608
            f" SELECT {keys}, {nothing}, {clocks} FROM {staged(totals.name)}",
            (),
        )
    _shift(_FIRST, _END, "+", _starts())


def _replace(name: str, columns: Sequence[str], condition: str, parameters: Sequence[str | int]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    _execute(f"DELETE FROM {main(name)} WHERE {condition}", parameters)  # noqa: S608
    _execute(
        f"INSERT INTO {main(name)} ({listed}) SELECT {listed} FROM {staged(name)} WHERE {condition}",  # noqa: S608
        parameters,
    )


def _make_totals(start: str, end: str) -> None:
    """Rows for what was not counted before; clocks move forward only: what they showed may lie on another day."""
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    for hours, totals in TOTALS_OF.items():
        keys = ", ".join(totals.keys)
        nothing = ", ".join("0" for _ in totals.counts)
        later = [
            f"{each} = {greatest}(COALESCE(known.{each}, excluded.{each}), COALESCE(excluded.{each}, known.{each}))"
            for each in totals.clocks
        ]
        _execute(
            f"INSERT INTO {main(totals.name)} AS known ({', '.join(totals.columns)})"  # noqa: S608
            f" SELECT {keys}, {nothing}, {', '.join(totals.clocks)} FROM {staged(totals.name)}"
            f" WHERE ({keys}) IN (SELECT {keys} FROM {staged(hours.name)} WHERE hour >= %s AND hour < %s)"
            f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(later)}",
            (start, end),
        )


def _shift(start: str, end: str, sign: str, starts: Mapping[str, str]) -> None:
    """Add what the hours and days of that time have to the totals and windows, or take it back."""
    for hours, totals in TOTALS_OF.items():
        _add(totals, {name: name for name in hours.counts}, sign, _sum(hours, totals), (start, end))
    _shift_pullers({"pullers": "pullers"}, start, end, sign, starts["days"])
    for window, names in WINDOWED.items():
        since = max(start, starts[window])
        if since >= end:
            continue
        counts = {f"{name}_{window}": name for name in names if name != "pullers"}
        _add(REPOSITORY_TOTALS, counts, sign, _sum(REPOSITORY_HOURS, REPOSITORY_TOTALS), (since, end))
        if "pullers" in names:
            _shift_pullers({f"pullers_{window}": "pullers"}, since, end, sign, starts["days"])


def _shift_pullers(counts: Mapping[str, str], start: str, end: str, sign: str, over: str) -> None:
    """Those of days that are over may be forgotten, their number is not."""
    rows = (
        "SELECT repository_id, SUM(pullers) AS pullers FROM ("  # noqa: S608
        f"SELECT repository_id, pullers FROM {main(REPOSITORY_DAYS.name)} WHERE day >= %s AND day < %s UNION ALL"
        f" SELECT repository_id, 1 FROM {main('analytics_puller')} WHERE pulls > 0 AND day >= %s AND day < %s"
        ") AS days GROUP BY repository_id"
    )
    days = (start, min(end, over), max(start, over), end)
    _add(REPOSITORY_TOTALS, counts, sign, rows, [moment[:10] for moment in days])


def _sum(hours: Table, totals: Table) -> str:
    keys = ", ".join(totals.keys)
    sums = ", ".join(f"SUM({name}) AS {name}" for name in hours.counts)
    return f"SELECT {keys}, {sums} FROM {main(hours.name)} WHERE hour >= %s AND hour < %s GROUP BY {keys}"  # noqa: S608


def _add(totals: Table, counts: Mapping[str, str], sign: str, rows: str, parameters: Sequence[str]) -> None:
    changes = ", ".join(f"{column} = {totals.name}.{column} {sign} change.{name}" for column, name in counts.items())
    same = " AND ".join(f"change.{key} = {totals.name}.{key}" for key in totals.keys)
    _execute(f"UPDATE {main(totals.name)} SET {changes} FROM ({rows}) AS change WHERE {same}", parameters)  # noqa: S608


def _starts() -> Mapping[str, str]:
    """Of the windows, and which days are over (`days`)."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "window", since FROM {main("analytics_windowstart")}')  # noqa: S608
        return {window: _moment(since) if isinstance(since, datetime) else since for window, since in cursor.fetchall()}


def _bounds(days: Days) -> tuple[str, str]:
    start, end = days.bounds(timedelta(0))
    return (_moment(start) if start else _FIRST), (_moment(end) if end else _END)


def _slot(moment: str) -> int:
    return int(moment_of(moment).timestamp()) // SLOT_SECONDS


def _moment(moment: datetime) -> str:
    """As text that sorts by time, and that both databases take."""
    return str(connection.ops.adapt_datetimefield_value(moment))


def _execute(statement: str, parameters: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
