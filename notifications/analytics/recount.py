"""Counting again from the log, while the counters go on.

The events of a few days at a time are counted into a second set of tables (`staging`). Then nobody counts for a moment:
what has come meanwhile is counted there too, and the rows of these days take the place of the old ones. Totals and
windows change by the difference. So a reader finds each day as it was or as it is, and a late event is in both.
Who is killed in between has counted some of the days again. However long the log is, no more than a few days of it are
there twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q

from notifications.analytics import staging, swap, windows
from notifications.analytics.classify import MAX_AHEAD
from notifications.analytics.counters import NAME, count
from notifications.analytics.portions import EVER, MARGIN, Days, Portion, Stretch, portion
from notifications.analytics.spans import midnight
from notifications.analytics.sums import Frame
from notifications.analytics.unchanged import position
from notifications.log.consume import LoggedEvent, read_without_raw
from notifications.log.listing import read_head, read_tail
from notifications.log.models import Consumer, Event
from notifications.log.moments import find_moment
from notifications.log.places import lock_place

BATCH_SIZE = 20_000

Report = Callable[[int, int], None]
"""Called with the number of the event that was counted last, and that of the last one to count."""


class RecountRefused(ValueError):
    """These days cannot be counted again; the text says why, and which can be."""


def recount(wanted: Days, report: Report) -> Sequence[date]:
    """Count the wanted days again, by default all whose events are still in the log; which days these were.

    Raises RecountRefused, and then nothing has changed.
    """
    if not Consumer.objects.filter(name=NAME).exists():
        raise RecountRefused("Nothing has been counted yet: a relay must run for that (`manage.py serve`).")
    days = _bound(wanted)
    with transaction.atomic():
        lock_place(NAME)
        windows.move_on()
    log = Stretch(_before(days), position())
    done: list[date] = []
    with staging.staging():
        for each in portion(days, log):
            staging.empty()
            done += _replace(_Counting(each, log.last, report))
        if days == Days():
            with transaction.atomic():
                lock_place(NAME)
                swap.replace_totals()
    return done


def _before(days: Days) -> int:
    """The number of an event before the first that may be of these days."""
    return 0 if days.first is None else find_moment(midnight(days.first) - MAX_AHEAD - MARGIN, read_head()) - 1


def _replace(counting: "_Counting") -> Sequence[date]:
    counting.catch_up()
    with counting.still():
        done = [day for day in swap.list_days() if day in counting.days]
        swap.replace_days(counting.days)
    return done


def _hours_alone() -> Frame:
    """Days and windows are made when their hours are complete."""
    return Frame({}, EVER)


class _Counting:
    """The second counters of some days, and how far they have come: `position` is where the stretches end."""

    def __init__(self, portion: Portion, position: int, report: Report) -> None:
        self.days = portion.days
        self._left = portion.stretches
        self._position = position
        self._report = report

    def catch_up(self) -> None:
        """Count up to where the first counters are."""
        end = position()
        for stretch in (*self._left, Stretch(self._position, end)):
            self._count(stretch)
        self._left, self._position = (), end

    def _count(self, stretch: Stretch) -> None:
        while events := self._read(stretch):
            count(self.days.concerned(events), _hours_alone)
            stretch = stretch._replace(after=events[-1].seq)
            self._report(stretch.after, self._position)

    def _read(self, stretch: Stretch) -> Sequence[LoggedEvent]:
        """What an event says of its moment is looked at here roughly, so as not to fetch all of the log."""
        begin, end = self.days.bounds(MARGIN)
        near = Q(occurred_at__gte=begin, occurred_at__lt=end) | Q(received_at__gte=begin, received_at__lt=end)
        found = Event.objects.filter(near, seq__gt=stretch.after, seq__lte=stretch.last)
        return read_without_raw(found.order_by("seq")[:BATCH_SIZE])

    @contextmanager
    def still(self) -> Iterator[None]:
        """A transaction in which both counters have counted the same, and nobody counts on."""
        self.catch_up()  # most of it outside
        with transaction.atomic():
            lock_place(NAME)
            self.catch_up()
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
    return (oldest + MAX_AHEAD + MARGIN).date() + timedelta(days=1)
