"""The numbers of the last hours and days, kept with the totals so that a board need not add up days.

A window is moved on by taking back what has fallen out of it: as many rows as that hour or day has. `WindowStart` says
since when a window counts, so what is read is true even if nobody has moved it on in time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

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

_DAYS = "days"

_TAKE_BACK = """
UPDATE analytics_repositorytotals SET {changes} FROM (
SELECT repository_id, {sums} FROM {table} WHERE {column} >= %s AND {column} < %s GROUP BY repository_id
) AS gone WHERE gone.repository_id = analytics_repositorytotals.repository_id
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

    Only one may do so at a time, and nobody may count meanwhile. A clock that was set back moves nothing.
    """
    now = now or timezone.now()
    frame = read_frame()
    if frame is None:
        return begin(now)
    days_over = frame.days_over
    if days.over_at(now) > days_over:
        days.close(days_over, days.over_at(now))
        days_over = _store(_DAYS, days.over_at(now))
    return Frame({window: _move(window, since, now) for window, since in frame.since.items()}, days_over)


def _move(window: str, since: datetime, now: datetime) -> datetime:
    start = _start(window, now)
    if start <= since:
        return since
    _take_back(window, since, start)
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
    names = WINDOWED[window]
    is_by_hour = window == "24h"
    statement = _TAKE_BACK.format(
        changes=", ".join(f"{name}_{window} = {name}_{window} - gone.{name}" for name in names),
        sums=", ".join(f"SUM({name}) AS {name}" for name in names),
        table="analytics_repositoryhour" if is_by_hour else "analytics_repositoryday",
        column="hour" if is_by_hour else "day",
    )
    adapt = connection.ops.adapt_datetimefield_value if is_by_hour else _adapt_day
    with connection.cursor() as cursor:
        cursor.execute(statement, (adapt(start), adapt(end)))


def _adapt_day(moment: datetime) -> str:
    return moment.date().isoformat()
