"""How much waits for an endpoint, and for how long: from two positions in the log, without counting the log."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, IntegerField, Min, Q, QuerySet, Value
from django.db.models.functions import Now

from notifications.delivery.filters import build_filter
from notifications.delivery.models import Endpoint
from notifications.log.models import Consumer, Event, LogHead

COUNTED_EVENTS = 5_000
"""How far beyond a position events are looked at one by one."""


class Backlog(NamedTuple):
    """What is between an endpoint's position and the head of the log.

    `behind` counts all events there, `pending` those that the endpoint gets. Beyond COUNTED_EVENTS everything counts
    as pending, and `is_exact` is False. `is_attended` is whether a relay holds the endpoint's place right now.
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
    """The backlog of each endpoint by its id: three queries, however many endpoints are behind."""
    head = LogHead.objects.filter(pk=1).values_list("position", flat=True).first() or 0
    places = {
        place.name: place
        for place in Consumer.objects.filter(name__in=[endpoint.consumer_name for endpoint in endpoints]).annotate(
            is_attended=ExpressionWrapper(Q(expires_at__gt=Now()), output_field=BooleanField())
        )
    }
    behind = [
        _queue(endpoint, place.position, head)
        for endpoint in endpoints
        if (place := places.get(endpoint.consumer_name)) is not None and place.position < head
    ]
    counts = {count["endpoint"]: count for count in behind[0].union(*behind[1:], all=True)} if behind else {}
    return {
        endpoint.pk: _measure(places.get(endpoint.consumer_name), head, counts.get(endpoint.pk))
        for endpoint in endpoints
    }


def describe(endpoint: Endpoint, backlog: Backlog, now: datetime) -> str:
    """What the endpoint is about, for people."""
    if endpoint.is_active and not backlog.is_attended:
        return "waiting for a relay to take it up"
    if endpoint.stop_reason and endpoint.state == Endpoint.State.DISABLED:
        return f"disabled: {endpoint.stop_reason}"
    if endpoint.state == Endpoint.State.BACKING_OFF:
        return f"retry in {math.ceil(endpoint.retry_in_seconds(now))} s"
    return str(endpoint.state.label)


def _queue(endpoint: Endpoint, position: int, head: int) -> QuerySet[Any, Any]:
    """One row that says how many of the counted events the endpoint gets, and since when; none when it gets none."""
    wanted = build_filter(
        endpoint.ignored_actions,
        endpoint.ignored_media_types,
        settings.HUB.hub.events,
        notices_to=endpoint.name if endpoint.takes_notices else "",
    )
    counted = Event.objects.filter(wanted.condition(), seq__gt=position, seq__lte=_last_counted(position, head))
    named = counted.annotate(endpoint=Value(endpoint.pk, output_field=IntegerField())).order_by()
    return named.values("endpoint").annotate(pending=Count("seq"), oldest=Min("received_at"))


def _last_counted(position: int, head: int) -> int:
    return min(head, position + COUNTED_EVENTS)


def _measure(place: Any, head: int, count: dict[str, Any] | None) -> Backlog:
    if place is None:
        return Backlog(None)
    position, is_attended = place.position, bool(place.is_attended)
    if position >= head:
        return Backlog(position, is_attended=is_attended)
    last = _last_counted(position, head)
    return Backlog(
        position,
        behind=head - position,
        pending=(count["pending"] if count else 0) + head - last,
        is_exact=last == head,
        oldest_pending_at=count["oldest"] if count else None,
        is_attended=is_attended,
    )
