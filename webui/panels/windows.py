"""Windows of time: what is asked for, in which steps it is shown, and what came before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from notifications.analytics.series import Point
from notifications.analytics.spans import Interval, Span, floor_to, following
from notifications.analytics.windows import WINDOWS, Window, window_start

DEFAULT_WINDOW: Window = "7d"

_WORDS: Mapping[Window, str] = {
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
    "all": "ever",
}
_DAYS_BY_DAY, _DAYS_BY_WEEK = 120, 900


def parse_window(text: str) -> Window:
    """An unknown one is the week."""
    return text if text in WINDOWS else DEFAULT_WINDOW


def in_words(window: Window) -> str:
    """7d → last 7 days."""
    return _WORDS[window]


def window_span(window: Window, now: datetime, first: datetime | None) -> Span:
    """The points of a window; all time begins at `first`, and is shown in the longer steps the longer it is."""
    start = window_start(window, now) or first or now
    if window in ("24h", "7d"):
        return Span("hour", start, now)
    days = (now - start).days
    if days <= _DAYS_BY_DAY:
        return Span("day", start, now)
    return Span("week" if days <= _DAYS_BY_WEEK else "month", start, now)


def coarser(points: Iterable[Point], hours: int) -> list[Point]:
    """Points of an hour added up to points of several, which begin at 0:00 and every so many hours."""
    found: dict[datetime, Point] = {}
    for point in points:
        start = point.start.replace(hour=point.start.hour - point.start.hour % hours)
        found.setdefault(start, Point(start)).add(point.pulls, point.checks, point.pushes)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Before:
    """The time of the same length that ended when a window began.

    A window ends now, within an hour or day that is not over: of the first step before, only as large a part counts.
    """

    edge: datetime
    start: datetime
    end: datetime
    part_of_edge: float

    def weight(self, step: datetime) -> float:
        """How much of what was counted in the step that began then belongs to it."""
        if step == self.edge:
            return self.part_of_edge
        return 1.0 if self.start <= step < self.end else 0.0


def before_window(window: Window, now: datetime) -> Before | None:
    """None for all time, which nothing was before."""
    end = window_start(window, now)
    if end is None:
        return None
    step: Interval = "hour" if window == "24h" else "day"
    unfinished = floor_to(step, now)
    length = following(step, unfinished) - unfinished
    start = end - (unfinished - end)
    return Before(start - length, start, end, (now - unfinished) / length)
