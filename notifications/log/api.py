"""REST: `GET /api/v1/events`, the log as far as the asker may see it, and `GET /api/v1/log`, its state, for staff.

`POST /api/v1/events` is the receiver's, on the data plane.
"""

from typing import Any, cast

import orjson
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import events
from notifications.log.listing import list_events
from notifications.log.models import Event
from notifications.log.state import MAX_COUNTED, read_state
from registryhub.access.visibility import sees_everything

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class EventsQuery(serializers.Serializer):
    after = serializers.IntegerField(
        default=0, min_value=0, max_value=events.MAX_SIZE, help_text="number of the last one read"
    )
    limit = serializers.IntegerField(default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    repository = serializers.CharField(required=False, max_length=255)
    action = serializers.ChoiceField(sorted(events.ACTIONS), required=False)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=100, help_text="name of the registry; all by default"
    )
    tag = serializers.CharField(required=False, max_length=128)
    digest = serializers.CharField(required=False, max_length=140)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = self.initial_data.keys() - self.fields.keys() - {"format"}
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(unknown), "There is no such parameter."))
        return attrs


class EventDocument(serializers.Serializer):
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps, in order of arrival")
    source = serializers.CharField(help_text="name of the registry")  # type: ignore[assignment]
    received_at = serializers.DateTimeField()
    event = serializers.DictField(help_text="as the wire has it")


class EventsDocument(serializers.Serializer):
    events = EventDocument(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="the next page's `after`; null at the head of the log")
    head = serializers.IntegerField(help_text="number of the last event in the log")
    tail = serializers.IntegerField(help_text="number of the oldest event that is still in the log")


class EventsView(APIView):
    """What happened."""

    permission_classes = (AllowAny,)

    @extend_schema(parameters=[EventsQuery], responses=EventsDocument, operation_id="events")
    def get(self, request: Request) -> Response:
        """The log after a number, in order; go on with `next`.

        A page may hold fewer events than asked for, even none, and still have a next one. Only staff see who pulled,
        from where and with what: for others these fields are empty, as are `url` and `fromRepository`.
        """
        query = EventsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = dict(query.validated_data)
        if "source" in asked:
            asked["source__name"] = asked.pop("source")
        page = list_events(request.user, **asked)
        is_staff = sees_everything(request.user)
        found = [_document(event, with_people=is_staff) for event in page.events]
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


class SourceDocument(serializers.Serializer):
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
    sources = SourceDocument(many=True)
    missing = serializers.IntegerField(help_text="numbers that were given to no event of any source: 0")


class LogView(APIView):
    """How the log is doing; for staff."""

    @extend_schema(responses=LogDocument, operation_id="log")
    def get(self, request: Request) -> Response:
        """Where the log and each of its consumers stand."""
        return Response(LogDocument(read_state()).data)


def _document(event: Event, *, with_people: bool) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "source": event.source.name,
        "received_at": event.received_at,
        "event": orjson.loads(event.raw) if with_people else _without_people(event),
    }


def _without_people(event: Event) -> dict[str, Any]:
    """Who may see a repository need not learn who else uses it, from where, or what other repositories there are."""
    return events.document(
        events.Event(
            id=event.event_id,
            timestamp=event.occurred_at,
            action=cast(events.Action, event.action),
            repository=event.repository,
            tag=event.tag,
            digest=event.digest,
            media_type=event.media_type,
            size=event.size,
            method=event.method,
        )
    )


urlpatterns = [
    re_path(r"^events/?$", EventsView.as_view(), name="events"),
    re_path(r"^log/?$", LogView.as_view(), name="log"),
]
