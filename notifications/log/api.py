"""REST: `GET /api/v1/events`, the log as far as the asker may see it, and `GET /api/v1/log`, its state, for staff.

`POST /api/v1/events` is the receiver's, on the data plane.
"""

from typing import Any

from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.log.documents import document
from notifications.log.listing import Page, User, list_events, list_latest, read_head
from notifications.log.moments import ROUGHLY, find_moment
from notifications.log.queries import EventsQuery, read_query
from notifications.log.state import MAX_COUNTED, read_state
from notifications.log.stream_api import StreamView
from registryhub.access.visibility import sees_everything


class FactsDocument(serializers.Serializer):
    tagged = serializers.CharField(help_text="what a push did to its tag: new, moved or same; empty without one")
    moved_from = serializers.CharField(help_text="digest that the tag pointed at before")
    platforms = serializers.ListField(child=serializers.CharField(), help_text="of the image or index")
    children = serializers.ListField(
        child=serializers.CharField(), help_text="how the digests begin (12 hex digits) that an index lists, at most 32"
    )
    is_attached = serializers.BooleanField(help_text="a signature, an SBOM or the like")


class EventDocument(serializers.Serializer):
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps, in order of arrival")
    source = serializers.CharField(help_text="name of the registry")  # type: ignore[assignment]
    received_at = serializers.DateTimeField()
    facts = FactsDocument(help_text="what is known besides; empty for all but manifests of this hub")
    event = serializers.DictField(help_text="as the wire has it")


class EventsDocument(serializers.Serializer):
    events = EventDocument(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="the next page's `after` or `before`; null at the end")
    head = serializers.IntegerField(help_text="number of the last event in the log")
    tail = serializers.IntegerField(help_text="number of the oldest event that is still in the log")


class EventsView(APIView):
    """What happened."""

    permission_classes = (AllowAny,)

    @extend_schema(parameters=[EventsQuery], responses=EventsDocument, operation_id="events")
    def get(self, request: Request) -> Response:
        """The log after a number, in order, or before one, the newest first; go on with `next`.

        A page may hold fewer events than asked for, even none, and still have a next one. Only staff see who pulled,
        from where and with what: for others these fields are empty, as are `url` and `fromRepository`.
        """
        page = _read_page(request.user, read_query(EventsQuery, request))
        is_staff = sees_everything(request.user)
        found = [document(event, with_people=is_staff) for event in page.events]
        return Response({"events": found, "next": page.next, "head": page.head, "tail": page.tail})


class JournalDocument(serializers.Serializer):
    segments = serializers.IntegerField()
    bytes = serializers.IntegerField()
    oldest_seconds = serializers.FloatField(allow_null=True)


class ConsumerDocument(serializers.Serializer):
    name = serializers.CharField()
    position = serializers.IntegerField(help_text="number of the last event it has dealt with")
    lag = serializers.IntegerField(help_text="events behind the head")
    oldest_pending_seconds = serializers.FloatField(allow_null=True)
    holder = serializers.CharField(help_text="the relay that runs it; empty when none does")
    expires_at = serializers.DateTimeField(allow_null=True)
    lost = serializers.IntegerField(help_text="events that were removed from the log before it came to them")
    lost_at = serializers.DateTimeField(allow_null=True)


class ArrivalsDocument(serializers.Serializer):
    name = serializers.CharField()
    events = serializers.IntegerField(help_text="that it has in the log, removed ones included")
    duplicates = serializers.IntegerField(help_text="left out because the log had them already")
    quarantined = serializers.IntegerField(help_text="that could not be read or stored, or were late")
    remembered_since = serializers.DateTimeField(allow_null=True, help_text="events from before it are late")


class LogDocument(serializers.Serializer):
    head = serializers.IntegerField(help_text="number of the last event")
    tail = serializers.IntegerField(help_text="number of the oldest event that is still there")
    intake = serializers.IntegerField(help_text=f"rows that wait to be sequenced, counted up to {MAX_COUNTED}")
    quarantined = serializers.IntegerField(help_text=f"events in quarantine, counted up to {MAX_COUNTED}")
    journal = JournalDocument(help_text="segments on the node that answers")
    consumers = ConsumerDocument(many=True)
    sources = ArrivalsDocument(many=True)
    missing = serializers.IntegerField(help_text="numbers that were given to no event of any source: 0")


class LogView(APIView):
    """How the log is doing; for staff."""

    @extend_schema(responses=LogDocument, operation_id="log")
    def get(self, request: Request) -> Response:
        """Where the log and each of its consumers stand."""
        return Response(LogDocument(read_state()).data)


def _read_page(user: User, asked: dict[str, Any]) -> Page:
    since, until = asked.pop("since", None), asked.pop("until", None)
    head = read_head()
    first = 1 if since is None else find_moment(since, head)
    top = None if until is None else find_moment(until, head) + ROUGHLY
    if since is not None:
        asked["received_at__gte"] = since
    if until is not None:
        asked["received_at__lt"] = until
    if "before" in asked:
        before = asked.pop("before")
        return list_latest(
            user, before=before if top is None else min(before, top), first=first, with_raw=True, **asked
        )
    return list_events(user, after=max(asked.pop("after", 0), first - 1), top=top, **asked)


urlpatterns = [
    re_path(r"^events/?$", EventsView.as_view(), name="events"),
    re_path(r"^events/stream/?$", StreamView.as_view(), name="events-stream"),
    re_path(r"^log/?$", LogView.as_view(), name="log"),
]
