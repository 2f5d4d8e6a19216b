"""Letting what was counted again take the place of what was counted. Inside `staging`, on the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import connection

from notifications.analytics import days
from notifications.analytics.days import day_of_hour
from notifications.analytics.live import moment_of
from notifications.analytics.portions import EVER, NEVER, Days
from notifications.analytics.sessions import SLOT_SECONDS
from notifications.analytics.staging import main, staged
from notifications.analytics.tables import (
    DAYS_OF,
    REPOSITORY_DAYS,
    REPOSITORY_TOTALS,
    SOURCE_TRAFFIC_HOURS,
    TOTALS_OF,
    WINDOWED,
    Table,
)

_TRACE = ("repository_id", "client", "slot", "asks", "changed_on")
_PULLER = ("repository_id", "day", "who", "pulls", "changed_on")


def list_days() -> Sequence[date]:
    """All on which anything was counted, by the old counters or the new ones, in order."""
    name = SOURCE_TRAFFIC_HOURS.name
    day = day_of_hour()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {day} FROM {main(name)} UNION SELECT {day} FROM {staged(name)} ORDER BY 1"  # noqa: S608
        )
        found = [day for (day,) in cursor.fetchall()]
    return [day if isinstance(day, date) else date.fromisoformat(day) for day in found]


def replace_days(wanted: Days) -> None:
    """Everything that belongs to them; in here there are only their hours until now."""
    starts = _starts()
    begin, before = wanted.bounds()
    start, end = _moment(begin), _moment(before)
    over = min(end, starts["days"])
    days.close(begin, moment_of(over))
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
    _shift(_moment(EVER), _moment(NEVER), "+", _starts())


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
    for table, totals in TOTALS_OF.items():
        windows = {window: starts[window] for window in WINDOWED} if totals is REPOSITORY_TOTALS else {}
        sums = _sums(table.counts, "hour", windows)
        rows = f"{main(table.name)} WHERE hour >= %s AND hour < %s"
        _add(totals, sums, sign, rows, (start, end))
    over = starts["days"]
    # Those of days that are over may be forgotten, their number is not.
    pullers = (
        f"(SELECT repository_id, day, pullers FROM {main(REPOSITORY_DAYS.name)} WHERE day >= %s AND day < %s UNION ALL"  # noqa: S608
        f" SELECT repository_id, day, 1 FROM {main('analytics_puller')} WHERE pulls > 0 AND day >= %s AND day < %s"
        ") AS days"
    )
    bounds = (start, min(end, over), max(start, over), end)
    windows = {window: starts[window][:10] for window in WINDOWED}
    _add(REPOSITORY_TOTALS, _sums(("pullers",), "day", windows), sign, pullers, [each[:10] for each in bounds])


def _sums(names: Sequence[str], moment: str, windows: Mapping[str, str]) -> Mapping[str, str]:
    """By columns of the totals, what is added to them: all of it, and what lies in each of the windows."""
    found = {name: f"SUM({name})" for name in names}
    for window, since in windows.items():
        for name in set(names) & set(WINDOWED[window]):
            found[f"{name}_{window}"] = f"SUM(CASE WHEN {moment} >= '{since}' THEN {name} ELSE 0 END)"
    return found


def _add(totals: Table, sums: Mapping[str, str], sign: str, rows: str, parameters: Sequence[str]) -> None:
    keys, columns = ", ".join(totals.keys), ", ".join(f"{each} AS {name}" for name, each in sums.items())
    changes = ", ".join(f"{name} = {totals.name}.{name} {sign} change.{name}" for name in sums)
    same = " AND ".join(f"change.{key} = {totals.name}.{key}" for key in totals.keys)
    _execute(
        f"UPDATE {main(totals.name)} SET {changes} FROM"  # noqa: S608
        f" (SELECT {keys}, {columns} FROM {rows} GROUP BY {keys}) AS change WHERE {same}",
        parameters,
    )


def _starts() -> Mapping[str, str]:
    """Of the windows, and which days are over (`days`)."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "window", since FROM {main("analytics_windowstart")}')  # noqa: S608
        return {window: _moment(since) if isinstance(since, datetime) else since for window, since in cursor.fetchall()}


def _slot(moment: str) -> int:
    return int(moment_of(moment).timestamp()) // SLOT_SECONDS


def _moment(moment: datetime) -> str:
    """As text that sorts by time, and that both databases take."""
    return str(connection.ops.adapt_datetimefield_value(moment))


def _execute(statement: str, parameters: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
