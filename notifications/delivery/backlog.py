"""How much waits for an endpoint, and for how long: from two positions in the log, without counting the log."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, IntegerField, Min, Q, QuerySet, Value
from django.db.models.functions import Now

from notifications.delivery.filtering.filters import Filter, build_filter
from notifications.delivery.models import Endpoint
from notifications.log.consume import read_without_raw
from notifications.log.models import Consumer, Event, LogHead
from registryhub.config.filters import Filter as Chosen

COUNTED_EVENTS = 5_000
"""How far beyond a position events are looked at one by one."""
TRIED_EVENTS = 1_000
"""So many of them are tried on a filter that no query can say: about 20 ms."""


class Backlog(NamedTuple):
    """What is between an endpoint's position and the head of the log.

    `behind` counts all events there, `pending` those that the endpoint gets. Beyond COUNTED_EVENTS everything counts
    as pending, and `is_exact` is False; so it is beyond TRIED_EVENTS where only the filter itself can tell.
    `is_attended` is whether a relay holds the endpoint's place right now.
    """

    position: int | None
    behind: int = 0
    pending: int = 0
    is_exact: bool = True
    oldest_pending_at: datetime | None = None
    is_attended: bool = False

    def oldest_pending_seconds(self, now: datetime) -> float | None:
        """How long the oldest pending event has waited in the log; None when nothing is pending."""
        if self.oldest_pending_at is None:
            return None
        return max(0.0, (now - self.oldest_pending_at) / timedelta(seconds=1))


def measure_backlogs(endpoints: Sequence[Endpoint]) -> dict[int, Backlog]:
    """The backlog of each endpoint by its id: three queries, however many endpoints are behind.

    And one for each that is behind and has a filter which no query can say.
    """
    head = LogHead.objects.filter(pk=1).values_list("position", flat=True).first() or 0
    places = {
        place.name: place
        for place in Consumer.objects.filter(name__in=[endpoint.consumer_name for endpoint in endpoints]).annotate(
            is_attended=ExpressionWrapper(Q(expires_at__gt=Now()), output_field=BooleanField())
        )
    }
    behind = [
        _Queue(endpoint.pk, filter_of(endpoint), place.position, min(head, place.position + COUNTED_EVENTS))
        for endpoint in endpoints
        if (place := places.get(endpoint.consumer_name)) is not None and place.position < head
    ]
    counts = _count([queue for queue in behind if queue.wanted.is_exact])
    counts |= {queue.endpoint: _try_out(queue) for queue in behind if not queue.wanted.is_exact}
    return {
        endpoint.pk: _measure(places.get(endpoint.consumer_name), head, counts.get(endpoint.pk))
        for endpoint in endpoints
    }


def filter_of(endpoint: Endpoint) -> Filter:
    """What the row says it gets."""
    return build_filter(
        endpoint.ignored_actions,
        endpoint.ignored_media_types,
        settings.HUB.hub.events,
        notices_to=endpoint.name if endpoint.takes_notices else "",
        chosen=Chosen.model_validate(endpoint.filter),
    )


def describe(endpoint: Endpoint, backlog: Backlog, now: datetime) -> str:
    """What the endpoint is about, for people."""
    if endpoint.is_active and not backlog.is_attended:
        return "waiting for a relay to take it up"
    if endpoint.stop_reason and endpoint.state == Endpoint.State.DISABLED:
        return f"disabled: {endpoint.stop_reason}"
    if endpoint.state == Endpoint.State.BACKING_OFF:
        return f"retry in {math.ceil(endpoint.retry_in_seconds(now))} s"
    return str(endpoint.state.label)


class _Queue(NamedTuple):
    """What an endpoint has before it, as far as it is looked at: the events after `position`, up to `last`."""

    endpoint: int
    wanted: Filter
    position: int
    last: int

    @property
    def events(self) -> QuerySet[Event]:
        """All that it may get."""
        return Event.objects.filter(self.wanted.condition(), seq__gt=self.position, seq__lte=self.last)


class _Count(NamedTuple):
    """How many events wait up to `last`, and since when the first of them does."""

    pending: int
    oldest: datetime | None
    last: int


def _count(queues: Sequence[_Queue]) -> dict[int, _Count]:
    """By one query for all."""
    if not queues:
        return {}
    parts = [_summary(queue) for queue in queues]
    found = {row["endpoint"]: row for row in parts[0].union(*parts[1:], all=True)}
    none = {"pending": 0, "oldest": None}
    rows = ((queue, found.get(queue.endpoint, none)) for queue in queues)
    return {queue.endpoint: _Count(row["pending"], row["oldest"], queue.last) for queue, row in rows}


def _summary(queue: _Queue) -> QuerySet[Any, Any]:
    named = queue.events.annotate(endpoint=Value(queue.endpoint, output_field=IntegerField())).order_by()
    return named.values("endpoint").annotate(pending=Count("seq"), oldest=Min("received_at"))


def _try_out(queue: _Queue) -> _Count:
    """Of events that a query cannot tell apart; when there are too many, it ends before the queue does."""
    events = read_without_raw(queue.events.order_by("seq")[:TRIED_EVENTS])
    taken = [event for event in events if queue.wanted.takes(event)]
    last = events[-1].seq if len(events) == TRIED_EVENTS else queue.last
    return _Count(len(taken), taken[0].received_at if taken else None, last)


def _measure(place: Any, head: int, count: _Count | None) -> Backlog:
    if place is None:
        return Backlog(None)
    position, is_attended = place.position, bool(place.is_attended)
    if count is None:
        return Backlog(position, is_attended=is_attended)
    return Backlog(
        position,
        behind=head - position,
        pending=count.pending + head - count.last,
        is_exact=count.last == head,
        oldest_pending_at=count.oldest,
        is_attended=is_attended,
    )
