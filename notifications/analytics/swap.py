"""Letting what was counted again take the place of what was counted. Inside `staging`, on the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from django.db import connection

from notifications.analytics import days
from notifications.analytics.days import day_of_hour
from notifications.analytics.live import Clause, moment_of
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
    for hours, totals in TOTALS_OF.items():
        _make_totals(hours, totals, start, end)
        old = _parts(hours, totals, "-", main, (start, end), starts)
        new = _parts(hours, totals, "", staged, (start, end), starts)
        _change(totals, (*old, *new))
    for each in DAYS_OF:
        _replace(each.name, each.columns, "hour >= %s AND hour < %s", (start, end))
    for each in DAYS_OF.values():
        _replace(each.name, each.columns, "day >= %s AND day < %s", (start[:10], over[:10]))
    _replace("analytics_trace", _TRACE, "slot >= %s AND slot < %s", (_slot(start), _slot(end)))
    _replace("analytics_puller", _PULLER, "day >= %s AND day < %s", (start[:10], end[:10]))


def replace_totals() -> None:
    """When everything was counted again: the numbers from hours and days, the clocks as the events have them."""
    starts = _starts()
    for hours, totals in TOTALS_OF.items():
        name = main(totals.name)
        same = " AND ".join(f"made.{key} = known.{key}" for key in totals.keys)
        _execute(
            f"DELETE FROM {name} AS known WHERE NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM {staged(totals.name)} made WHERE {same})"
        )
        differs = "known.{0} <> excluded.{0} OR (known.{0} IS NULL) <> (excluded.{0} IS NULL)"
        _take_clocks(totals, Clause("true"), "excluded.{0}", differs)
        known = _select(totals, {count: count for count in totals.counts}, "-", Clause(name))
        _change(totals, (*_parts(hours, totals, "", main, (_moment(EVER), _moment(NEVER)), starts), known))


def _replace(name: str, columns: Sequence[str], condition: str, parameters: Sequence[str | int]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    _execute(f"DELETE FROM {main(name)} WHERE {condition}", parameters)  # noqa: S608
    _execute(
        f"INSERT INTO {main(name)} ({listed}) SELECT {listed} FROM {staged(name)} WHERE {condition}",  # noqa: S608
        parameters,
    )


def _make_totals(hours: Table, totals: Table, start: str, end: str) -> None:
    """Rows for what was not counted before; clocks move forward only: what they showed may lie on another day."""
    keys = ", ".join(totals.keys)
    counted = f"({keys}) IN (SELECT {keys} FROM {staged(hours.name)} WHERE hour >= %s AND hour < %s)"  # noqa: S608
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    later = f"{greatest}(COALESCE(known.{{0}}, excluded.{{0}}), COALESCE(excluded.{{0}}, known.{{0}}))"
    is_later = "excluded.{0} > known.{0} OR (known.{0} IS NULL AND excluded.{0} IS NOT NULL)"
    _take_clocks(totals, Clause(counted, (start, end)), later, is_later)


def _take_clocks(totals: Table, which: Clause, clock: str, is_other: str) -> None:
    """Of the new totals, with all numbers nought where a row is new; `clock` and `is_other` are of one of them."""
    keys, nothing = ", ".join(totals.keys), ", ".join("0" for _ in totals.counts)
    _execute(
        f"INSERT INTO {main(totals.name)} AS known ({', '.join(totals.columns)})"  # noqa: S608
        f" SELECT {keys}, {nothing}, {', '.join(totals.clocks)} FROM {staged(totals.name)} WHERE {which.sql}"
        f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(f'{each} = {clock.format(each)}' for each in totals.clocks)}"
        f" WHERE {' OR '.join(is_other.format(each) for each in totals.clocks)}",
        which.parameters,
    )


def _parts(
    hours: Table,
    totals: Table,
    sign: str,
    place: Callable[[str], str],
    period: tuple[str, str],
    starts: Mapping[str, str],
) -> Sequence[Clause]:
    """What the hours and days of a time add to the totals and windows, or with a minus take away."""
    start, end = period
    windows = {window: starts[window] for window in WINDOWED} if totals is REPOSITORY_TOTALS else {}
    rows = Clause(f"{place(hours.name)} WHERE hour >= %s AND hour < %s", (start, end))
    by_hours = _select(totals, _numbers(hours.counts, "hour", windows), sign, rows)
    if totals is not REPOSITORY_TOTALS:
        return (by_hours,)
    over = starts["days"]
    # Those of days that are over may be forgotten, their number is not.
    pullers = (
        f"(SELECT repository_id, day, pullers FROM {place(REPOSITORY_DAYS.name)} WHERE day >= %s AND day < %s UNION ALL"  # noqa: S608
        f" SELECT repository_id, day, 1 FROM {place('analytics_puller')} WHERE pulls > 0 AND day >= %s AND day < %s"
        ") AS days"
    )
    bounds = (start, min(end, over), max(start, over), end)
    days = Clause(pullers, tuple(each[:10] for each in bounds))
    windows = {window: since[:10] for window, since in windows.items()}
    return by_hours, _select(totals, _numbers(("pullers",), "day", windows), sign, days)


def _numbers(names: Sequence[str], moment: str, windows: Mapping[str, str]) -> Mapping[str, str]:
    """By columns of the totals, what is added to them: all of it, and what lies in each of the windows."""
    found = {name: name for name in names}
    for window, since in windows.items():
        for name in set(names) & set(WINDOWED[window]):
            found[f"{name}_{window}"] = f"CASE WHEN {moment} >= '{since}' THEN {name} ELSE 0 END"
    return found


def _select(totals: Table, numbers: Mapping[str, str], sign: str, rows: Clause) -> Clause:
    """The keys and all counts of the totals."""
    counts = ", ".join(f"{sign}SUM({numbers.get(name, '0')}) AS {name}" for name in totals.counts)
    keys = ", ".join(totals.keys)
    return Clause(f"SELECT {keys}, {counts} FROM {rows.sql} GROUP BY {keys}", rows.parameters)  # noqa: S608


def _change(totals: Table, parts: Sequence[Clause]) -> None:
    """Add all parts to the totals. What comes to nothing is not written: a count that was right changes no row."""
    keys, names = ", ".join(totals.keys), totals.counts
    sums = ", ".join(f"SUM({name}) AS {name}" for name in names)
    changes = ", ".join(f"{name} = {totals.name}.{name} + change.{name}" for name in names)
    same = " AND ".join(f"change.{key} = {totals.name}.{key}" for key in totals.keys)
    _execute(
        f"UPDATE {main(totals.name)} SET {changes} FROM"  # noqa: S608
        f" (SELECT {keys}, {sums} FROM ({' UNION ALL '.join(part.sql for part in parts)}) AS parts GROUP BY {keys}"
        f" HAVING {' OR '.join(f'SUM({name}) <> 0' for name in names)}) AS change WHERE {same}",
        tuple(parameter for part in parts for parameter in part.parameters),
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


def _execute(statement: str, parameters: Sequence[str | int] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
