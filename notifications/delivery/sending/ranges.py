"""Parts of the log that somebody wants sent once more: asking for one, and what of it comes next.

They are worked off beside the queue by whoever holds the place of the endpoint that gets them (`resend`). A part ends
at that endpoint's position at the latest: what comes after it will come by itself, and must not come before its turn.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from notifications.delivery.filtering.filters import Filter
from notifications.delivery.models import Attempt, DeadLetter, Endpoint, Resend
from notifications.log.consume import LoggedEvent, read_events
from notifications.log.listing import read_head, read_tail
from notifications.log.models import Consumer, Event
from notifications.log.moments import ROUGHLY, find_moment


class NothingToResend(ValueError):
    """There is no such part of the log; the text says why."""


class Page(NamedTuple):
    """The next events of a part. `skipped` and `lost` are the numbers of others, in order; all up to `end` is in it."""

    events: list[LoggedEvent]
    skipped: Sequence[int]
    lost: Sequence[int]
    end: int

    def skipped_to(self, position: int) -> int:
        """How many were passed over up to a number."""
        return bisect_right(self.skipped, position)

    def lost_to(self, position: int) -> int:
        """How many up to a number were no longer in the log."""
        return bisect_right(self.lost, position)


def ask_range(
    endpoint: Endpoint, *, first: int, last: int, to: Endpoint | None = None, which: str = Resend.Which.ALL, by: str
) -> Resend:
    """Want the events first … last of the endpoint sent once more, to itself or another. Raises NothingToResend."""
    receiver = to or endpoint
    first, last = max(1, first), min(last, _end_for(receiver))
    if first > last:
        raise NothingToResend(
            f"none of these events has been dealt with by {receiver.name} yet: they are still to come by themselves"
        )
    with transaction.atomic():
        return Resend.objects.create(
            endpoint=endpoint,
            send_to=receiver,
            which=which,
            first_seq=first,
            last_seq=last,
            position=first - 1,
            asked_by=by,
        )


def cancel_range(resend: Resend) -> bool:
    """Send nothing more of it, within a moment; False when it was over already."""
    open_states = (Resend.State.QUEUED, Resend.State.STOPPED)
    with transaction.atomic():
        row = Resend.objects.filter(pk=resend.pk, state__in=open_states)
        return bool(row.update(state=Resend.State.CANCELLED, settled_at=timezone.now()))


def continue_range(resend: Resend) -> bool:
    """Go on with one that has stopped, where it has stopped; False when it had not."""
    with transaction.atomic():
        row = Resend.objects.filter(pk=resend.pk, state=Resend.State.STOPPED)
        return bool(row.update(state=Resend.State.QUEUED, failures=0, settled_at=None))


def numbers_between(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The numbers of the first and the last event that came in from one time on and before another."""
    head = read_head()
    first = 1 if since is None else _first_from(since, head)
    last = head if until is None else _first_from(until, head) - 1
    return first, last


def next_page(resend: Resend, wanted: Filter, limit: int) -> Page:
    """What comes after its position. A single event is sent whatever the filter of the endpoint says."""
    if resend.which == Resend.Which.FAILED:
        numbers = _failed_numbers(resend, limit)
        found = _events(numbers)
        end = numbers[-1] if len(numbers) == limit else resend.last_seq
        there = {event.seq for event in found}
        lost: Sequence[int] = [number for number in numbers if number not in there]
    else:
        found = [event for event in read_events(resend.position, limit) if event.seq <= resend.last_seq]
        end = found[-1].seq if len(found) == limit else resend.last_seq
        lost = range(resend.position + 1, found[0].seq if found else min(read_tail() - 1, end) + 1)
    takes_all = resend.first_seq == resend.last_seq
    events = [event for event in found if takes_all or wanted.takes(event)]
    taken = {event.seq for event in events}
    return Page(events, [event.seq for event in found if event.seq not in taken], lost, end)


def settle_letters(resend: Resend, numbers: Sequence[int]) -> None:
    """Dead letters among what was delivered have found their way too. On the caller's transaction."""
    waiting = DeadLetter.objects.filter(endpoint=resend.endpoint_id, seq__in=numbers, state=DeadLetter.State.WAITING)
    waiting.update(state=DeadLetter.State.RESENT, settled_at=timezone.now(), settled_by=resend.asked_by)


def _end_for(endpoint: Endpoint) -> int:
    places = Consumer.objects.filter(name=endpoint.consumer_name)
    position = places.values_list("position", flat=True).first()
    return read_head() if position is None else position


def _first_from(moment: datetime, head: int) -> int:
    """The number of the first event that came in at the moment or later; one after the head when there is none."""
    roughly = find_moment(moment, head)
    later = Event.objects.filter(seq__gte=roughly, seq__lte=roughly + 2 * ROUGHLY, received_at__gte=moment)
    return later.order_by("seq").values_list("seq", flat=True).first() or head + 1


def _failed_numbers(resend: Resend, limit: int) -> list[int]:
    """The numbers of events that a failed attempt was about, or that were given up; in order."""
    start, last = resend.position + 1, resend.last_seq
    failed = Attempt.objects.filter(
        endpoint=resend.endpoint_id,
        is_success=False,
        occasion=Attempt.Occasion.QUEUE,
        seq__gte=start,
        first_seq__lte=last,
    )
    spans = failed.values_list("first_seq", "seq")
    numbers = {n for first, end in spans for n in range(max(first, start), min(end, last) + 1)}
    letters = DeadLetter.objects.filter(endpoint=resend.endpoint_id, seq__gte=start, seq__lte=last)
    numbers.update(letters.order_by("seq").values_list("seq", flat=True)[:limit])
    return sorted(numbers)[:limit]


def _events(numbers: Sequence[int]) -> list[LoggedEvent]:
    rows = Event.objects.filter(seq__in=numbers).order_by("seq").values_list(*LoggedEvent._fields)
    return [LoggedEvent._make(row) for row in rows]
