"""Hours, days, weeks and months in UTC. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal

Interval = Literal["hour", "day", "week", "month"]
INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")

MAX_POINTS = 5000

DEFAULT_SPANS: Mapping[Interval, timedelta] = {
    "hour": timedelta(hours=47),
    "day": timedelta(days=29),
    "week": timedelta(weeks=25),
    "month": timedelta(days=335),
}


class TooManyPoints(ValueError):
    """The text says how many are allowed."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked: all points that begin before `end`, from the one that `start` falls into."""

    interval: Interval
    start: datetime
    end: datetime

    @property
    def first(self) -> datetime:
        """When the first one begins."""
        return floor_to(self.interval, self.start)

    def starts(self) -> list[datetime]:
        """Raises TooManyPoints."""
        found = list(islice(starts(self.interval, self.start, self.end), MAX_POINTS + 1))
        if len(found) > MAX_POINTS:
            raise TooManyPoints(f"More than {MAX_POINTS} points; ask for a longer interval or a shorter time.")
        return found


def floor_hour(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def midnight(day: date) -> datetime:
    """When the day began."""
    return datetime.combine(day, time(), UTC)


def floor_to(interval: Interval, moment: datetime) -> datetime:
    """When the hour, day, week (from Monday) or month of the moment began."""
    hour = floor_hour(moment)
    if interval == "hour":
        return hour
    day = hour.replace(hour=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def following(interval: Interval, start: datetime) -> datetime:
    """When the next one begins. Raises OverflowError at the end of the calendar."""
    if interval == "hour":
        return start + timedelta(hours=1)
    if interval == "day":
        return start + timedelta(days=1)
    if interval == "week":
        return start + timedelta(weeks=1)
    return (start + timedelta(days=31)).replace(day=1)


def starts(interval: Interval, first: datetime, end: datetime) -> Iterator[datetime]:
    """All that begin before `end`, from the one that `first` falls into."""
    start = floor_to(interval, first)
    while start < end:
        yield start
        start = following(interval, start)
