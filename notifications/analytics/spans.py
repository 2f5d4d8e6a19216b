"""Hours, days, weeks and months in UTC. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

Interval = Literal["hour", "day", "week", "month"]
INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")


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
