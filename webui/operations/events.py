"""`/events`: what happened, the newest first, and everything about one event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployer.models import Deployment
from notifications import facts
from notifications.delivery.models import Attempt
from notifications.log.listing import LOOKED_AT, User, list_events, list_latest, read_head, visible_events
from notifications.log.models import Event
from notifications.log.moments import ROUGHLY, find_moment
from registryhub.access.visibility import sees_everything
from webui.operations.event_filter import EventFilter
from webui.operations.places import Place, read_place, write_after, write_before

EVENTS_ON_A_PAGE = 50
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events, the newest first. `searched_to` is set when the page ends before it is full: so far it was looked."""

    rows: Sequence[Event]
    head: int
    cursor: str | None
    previous: str | None
    searched_to: int | None = None


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """The log, as far as the reader may see it."""
    form = EventFilter(request.GET, request.user)
    place = read_place(request.GET.get("cursor", ""))
    page = read_events(request.user, form, place) if form.is_valid() else EventsPage((), 0, None, None)
    return render(request, "webui/operations/events.html", {"form": form, "page": page, "looked_at": LOOKED_AT})


@require_safe
def event(request: HttpRequest, seq: int) -> HttpResponse:
    """One event; who it was and the wire's JSON are for staff."""
    found = visible_events(request.user).select_related("source").filter(seq=seq).first()
    if found is None:
        raise Http404
    context: dict[str, Any] = {"event": found, "known": facts.parse(found.facts)}
    if sees_everything(request.user):
        context |= _inside(found)
    return render(request, "webui/operations/event.html", context)


def read_events(user: User, form: EventFilter, place: Place) -> EventsPage:
    """A page of what the valid form asks for; whoever goes on to the newest gets the first page."""
    wanted = form.wanted()
    first, top = _span(wanted)
    if place.after is not None:
        page = list_events(user, after=place.after, limit=EVENTS_ON_A_PAGE, **wanted)
        if page.next is not None and (top is None or page.next < top):
            older = write_before(place.after + 1)
            return EventsPage(page.events[::-1], page.head, older, write_after(page.next))
    before = min((number for number in (place.before, top) if number is not None), default=None)
    found = list_latest(user, before=before, limit=EVENTS_ON_A_PAGE, first=first, **wanted)
    return EventsPage(
        rows=found.events,
        head=found.head,
        cursor=None if found.next is None else write_before(found.next),
        previous=None if place.before is None or place.before > found.head else write_after(place.before - 1),
        searched_to=found.next if len(found.events) < EVENTS_ON_A_PAGE else None,
    )


def _span(wanted: dict[str, Any]) -> tuple[int, int | None]:
    """Between which numbers the wanted times are, roughly: (first, one after the last or None)."""
    since, until = wanted.get("received_at__gte"), wanted.get("received_at__lt")
    if since is None and until is None:
        return 1, None
    head = read_head()
    first = 1 if since is None else find_moment(since, head)
    return first, None if until is None else find_moment(until, head) + ROUGHLY


def _inside(event: Event) -> dict[str, Any]:
    """What staff may know besides: the wire's JSON, and what came of the event."""
    about = Deployment.objects.filter(source_id=event.source_id, repository=event.repository, digest=event.digest)
    deployments = about.filter(first_seq__lte=event.seq, last_seq__gte=event.seq).select_related("service")
    attempts = Attempt.objects.filter(is_success=False, seq=event.seq).select_related("endpoint").order_by("-id")
    return {
        "wire": orjson.dumps(orjson.loads(event.raw), option=orjson.OPT_INDENT_2).decode(),
        "deployments": list(deployments.defer("logs", "memo").order_by("-id")) if event.action == "push" else [],
        "attempts": list(attempts.defer("answer")[:_ATTEMPTS]),
    }
