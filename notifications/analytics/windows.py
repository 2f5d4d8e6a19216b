"""The numbers of the last hours and days, kept with the totals so that a board need not add up days.

A window is moved on by taking back what has fallen out of it: as many rows as that hour or day has. `WindowStart` says
since when a window counts, so what is read is true even if nobody has moved it on in time.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from django.db import connection
from django.utils import timezone

from notifications.analytics import days
from notifications.analytics.models import WindowStart
from notifications.analytics.spans import floor_hour
from notifications.analytics.sums import Frame
from notifications.analytics.tables import WINDOWED

Window = Literal["24h", "7d", "30d", "90d", "all"]

DAYS: Mapping[str, int] = {"7d": 7, "30d": 30, "90d": 90}
WINDOWS: tuple[Window, ...] = ("24h", "7d", "30d", "90d", "all")

SLACK = timedelta(days=2)
"""So much further on than it should be is a window only after a clock that went wrong."""

_DAYS = "days"

_CHANGE = """
UPDATE analytics_repositorytotals SET {changes} FROM (
SELECT repository_id, {sums} FROM {table} WHERE {column} >= %s AND {column} < %s {only} GROUP BY repository_id
) AS part WHERE part.repository_id = analytics_repositorytotals.repository_id
"""


def window_start(window: Window, now: datetime) -> datetime | None:
    """The hour (24h) or day a window begins with: the one that `now` minus the window falls into; None for all."""
    if window == "24h":
        return floor_hour(now - timedelta(hours=24))
    if window in DAYS:
        return (now - timedelta(days=DAYS[window])).replace(hour=0, minute=0, second=0, microsecond=0)
    return None


def read_frame() -> Frame | None:
    """Since when each window counts and which days are over; None before anything was counted."""
    starts = dict(WindowStart.objects.values_list("window", "since"))
    days_over = starts.pop(_DAYS, None)
    return Frame(starts, days_over) if days_over is not None and starts else None


def move_on(now: datetime | None = None) -> Frame:
    """Let windows and days end now, on the caller's transaction.

    Only one may do so at a time, and nobody may count meanwhile. A clock that was set back a little moves nothing; when
    one had run far ahead the windows are made anew.
    """
    now = now or timezone.now()
    frame = read_frame()
    if frame is None:
        return begin(now)
    days_over = frame.days_over
    if days.over_at(now) > days_over:
        days.close(days_over, days.over_at(now))
        days_over = _store(_DAYS, days.over_at(now))
    return Frame({window: _move(window, since, now, days_over) for window, since in frame.since.items()}, days_over)


def _move(window: str, since: datetime, now: datetime, days_over: datetime) -> datetime:
    start = _start(window, now)
    if since > start + SLACK:
        _make_anew(window, start, days_over)
    elif start > since:
        _take_back(window, since, start)
    else:
        return since
    return _store(window, start)


def begin(now: datetime) -> Frame:
    """Begin with windows in which nothing is counted yet, on the caller's transaction."""
    return Frame({window: _store(window, _start(window, now)) for window in WINDOWED}, _store(_DAYS, days.over_at(now)))


def _start(window: str, now: datetime) -> datetime:
    start = window_start(window, now)  # type: ignore[arg-type]
    assert start is not None
    return start


def _store(window: str, since: datetime) -> datetime:
    WindowStart.objects.update_or_create(window=window, defaults={"since": since})
    return since


def _take_back(window: str, start: datetime, end: datetime) -> None:
    hours_or_days = _HOURS if window == "24h" else _OVER
    _change(window, "-", WINDOWED[window], hours_or_days, start, end)


def _make_anew(window: str, start: datetime, days_over: datetime) -> None:
    """From the hours, which are there of all days; pullers from days that are over, and counted of the others."""
    names = WINDOWED[window]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE analytics_repositorytotals SET {', '.join(f'{name}_{window} = 0' for name in names)}"  # noqa: S608
        )
    _change(window, "+", [name for name in names if name != "pullers"], _HOURS, start, _END)
    if "pullers" in names:
        _change(window, "+", ["pullers"], _OVER, start, days_over)
        _change(window, "+", ["pullers"], _PULLERS, max(start, days_over), _END)


class _Part(NamedTuple):
    """Rows of a table by the hour or day that they belong to; `only` leaves some out."""

    table: str
    column: Literal["hour", "day"]
    number: str = "SUM({name})"
    only: str = ""


_HOURS = _Part("analytics_repositoryhour", "hour")
_OVER = _Part("analytics_repositoryday", "day")
_PULLERS = _Part("analytics_puller", "day", "COUNT(*)", "AND pulls > 0")
_END = datetime(9999, 1, 1, tzinfo=UTC)


def _change(window: str, sign: str, names: Sequence[str], part: _Part, start: datetime, end: datetime) -> None:
    statement = _CHANGE.format(
        changes=", ".join(f"{name}_{window} = {name}_{window} {sign} part.{name}" for name in names),
        sums=", ".join(f"{part.number.format(name=name)} AS {name}" for name in names),
        table=part.table,
        column=part.column,
        only=part.only,
    )
    adapt = connection.ops.adapt_datetimefield_value if part.column == "hour" else _adapt_day
    with connection.cursor() as cursor:
        cursor.execute(statement, (adapt(start), adapt(end)))


def _adapt_day(moment: datetime) -> str:
    return moment.date().isoformat()
