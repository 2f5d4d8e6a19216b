"""Letting what was counted again take the place of what was counted. Inside `staging`, on the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import connection

from notifications.analytics.days import day_of_hour
from notifications.analytics.sessions import SLOT_SECONDS
from notifications.analytics.spans import midnight
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

_DAY = timedelta(days=1)
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


def replace_day(day: date) -> None:
    """Everything that belongs to the day."""
    starts = _starts()
    _shift(day, "-", starts)
    for hours, days in DAYS_OF.items():
        _replace(hours.name, hours.columns, "hour >= %s AND hour < %s", _bounds(day))
        if _moment(midnight(day)) < starts["days"]:
            _replace(days.name, days.columns, "day = %s", (day.isoformat(),))
    slot = int(midnight(day).timestamp()) // SLOT_SECONDS
    slots = (slot, slot + int(_DAY.total_seconds()) // SLOT_SECONDS)
    _replace("analytics_trace", _TRACE, "slot >= %s AND slot < %s", slots)
    _replace("analytics_puller", _PULLER, "day = %s", (day.isoformat(),))
    _make_totals(day)
    _shift(day, "+", starts)


def replace_totals() -> None:
    """When everything was counted again: also what is not of one day."""
    for totals in TOTALS_OF.values():
        _replace(totals.name, totals.columns, "true", ())
    _replace("analytics_windowstart", ("window", "since"), "\"window\" <> 'days'", ())


def _replace(name: str, columns: Sequence[str], condition: str, parameters: Sequence[str | int]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    _execute(f"DELETE FROM {main(name)} WHERE {condition}", parameters)  # noqa: S608
    _execute(
        f"INSERT INTO {main(name)} ({listed}) SELECT {listed} FROM {staged(name)} WHERE {condition}",  # noqa: S608
        parameters,
    )


def _make_totals(day: date) -> None:
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
            _bounds(day),
        )


def _shift(day: date, sign: str, starts: Mapping[str, str]) -> None:
    """Add what the day's rows have to the totals and windows, or take it back."""
    start, end = _bounds(day)
    for hours, totals in TOTALS_OF.items():
        counts = {name: name for name in hours.counts}
        if totals is REPOSITORY_TOTALS:
            counts |= _windowed(_WIDE_WINDOWED, [each for each, since in starts.items() if since <= start])
        _add(totals, counts, sign, _sum(hours, totals), (start, end))
    windows = [each for each, since in starts.items() if since[:10] <= day.isoformat()]
    pullers = {"pullers": "pullers"} | _windowed(("pullers",), windows)
    _add(REPOSITORY_TOTALS, pullers, sign, _count_pullers(is_over=start < starts["days"]), (day.isoformat(),))
    if start < starts["24h"] < end:
        counts = _windowed(_WIDE_WINDOWED, ["24h"])
        _add(REPOSITORY_TOTALS, counts, sign, _sum(REPOSITORY_HOURS, REPOSITORY_TOTALS), (starts["24h"], end))


def _count_pullers(*, is_over: bool) -> str:
    """Those of a day that is over may be forgotten, their number is not."""
    if is_over:
        return f"SELECT repository_id, pullers FROM {main(REPOSITORY_DAYS.name)} WHERE day = %s"  # noqa: S608
    return (
        f"SELECT repository_id, COUNT(*) AS pullers FROM {main('analytics_puller')}"  # noqa: S608
        " WHERE pulls > 0 AND day = %s GROUP BY repository_id"
    )


_WIDE_WINDOWED = ("pulls", "pushes", "bytes")


def _windowed(names: Sequence[str], windows: Iterable[str]) -> dict[str, str]:
    return {f"{name}_{each}": name for each in windows for name in WINDOWED.get(each, ()) if name in names}


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


def _bounds(day: date) -> tuple[str, str]:
    return _moment(midnight(day)), _moment(midnight(day) + _DAY)


def _moment(moment: datetime) -> str:
    """As text that sorts by time, and that both databases take."""
    return str(connection.ops.adapt_datetimefield_value(moment))


def _execute(statement: str, parameters: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
