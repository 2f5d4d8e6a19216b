"""Counting again from the log, while the counters go on.

The events of the wanted days are counted into a second set of tables (`staging`). Then, a day at a time, nobody counts
for a moment: what has come meanwhile is counted there too, and the day's rows take the place of the old ones. Totals
and windows change by the difference. So a reader finds each day as it was or as it is, and a late event is in both.
Who is killed in between has counted some of the days again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from notifications.analytics import swap, windows
from notifications.analytics.classify import MAX_AHEAD, happened_at
from notifications.analytics.counters import NAME, count
from notifications.analytics.sessions import WINDOW_SECONDS
from notifications.analytics.spans import midnight
from notifications.analytics.staging import staging
from notifications.log.consume import LoggedEvent, read_events
from notifications.log.listing import read_head, read_tail
from notifications.log.models import Consumer, Event
from notifications.log.moments import find_moment
from notifications.log.places import lock_place

BATCH_SIZE = 5000
_MARGIN = timedelta(seconds=2 * WINDOW_SECONDS)

Report = Callable[[int, int], None]
"""Called with the number of the event that was counted last, and that of the last one to count."""


class RecountRefused(ValueError):
    """These days cannot be counted again; the text says why, and which can be."""


@dataclass(frozen=True, slots=True)
class Days:
    """From the first to the last, both included; None where there is no bound."""

    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def concern(self, event: LoggedEvent) -> bool:
        """Whether it is of one of these days, or belongs together with one that is."""
        moment = happened_at(event.occurred_at, event.received_at)
        if self.first is not None and moment < midnight(self.first) - _MARGIN:
            return False
        return self.last is None or moment < midnight(self.last) + timedelta(days=1) + _MARGIN


def recount(wanted: Days, report: Report) -> Sequence[date]:
    """Count the wanted days again, by default all whose events are still in the log; which days these were.

    Raises RecountRefused, and then nothing has changed.
    """
    if not Consumer.objects.filter(name=NAME).exists():
        raise RecountRefused("Nothing has been counted yet: a relay must run for that (`manage.py serve`).")
    days = _bound(wanted)
    with staging():
        counting = _Counting(days, report)
        counting.catch_up()
        done = [day for day in swap.list_days() if day in days]
        for day in done:
            with counting.still():
                swap.replace_day(day)
        if days == Days():
            with counting.still():
                swap.replace_totals()
    return done


class _Counting:
    """The second counters, and how far they have come."""

    def __init__(self, days: Days, report: Report) -> None:
        self._days = days
        self._report = report
        first = 1 if days.first is None else find_moment(midnight(days.first) - MAX_AHEAD - _MARGIN, read_head())
        self._position = first - 1

    def catch_up(self) -> None:
        """Count up to where the first counters are."""
        end = Consumer.objects.values_list("position", flat=True).get(name=NAME)
        while self._position < end:
            events = [event for event in read_events(self._position, BATCH_SIZE) if event.seq <= end]
            if not events:
                return
            count([event for event in events if self._days.concern(event)])
            self._position = events[-1].seq
            self._report(self._position, end)

    @contextmanager
    def still(self) -> Iterator[None]:
        """A transaction in which both counters have counted the same, and nobody counts on."""
        self.catch_up()  # most of it outside
        with transaction.atomic():
            lock_place(NAME)
            self.catch_up()
            windows.move_on()
            yield


def _bound(wanted: Days) -> Days:
    """Raises RecountRefused for days of which the log has not everything any more."""
    if wanted.first and wanted.last and wanted.first > wanted.last:
        raise RecountRefused(f"The first day, {wanted.first}, comes after the last, {wanted.last}.")
    whole = _first_whole_day()
    if whole is None:
        return wanted
    if wanted.first is None:
        return Days(whole, wanted.last)
    if wanted.first < whole:
        raise RecountRefused(
            f"The log begins within {whole - timedelta(days=1)} (hub.log.keep): from {whole} on days can be counted"
            " again; those before stay as they are."
        )
    return wanted


def _first_whole_day() -> date | None:
    """None when nothing has been removed from the log."""
    if read_tail() == 1:
        return None
    oldest = Event.objects.order_by("seq").values_list("received_at", flat=True).first()
    if oldest is None:
        raise RecountRefused("The log is empty (hub.log.keep): there is nothing to count.")
    return (oldest + MAX_AHEAD + _MARGIN).date() + timedelta(days=1)
