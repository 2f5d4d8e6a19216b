"""REST: what an endpoint would get, before it is saved. For staff only; nothing is sent or stored."""

from collections.abc import Mapping
from typing import Any

from django.urls import re_path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import facts
from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.filtering.filters import Filter
from notifications.delivery.filtering.preview import (
    MAX_WINDOW_DAYS,
    PREVIEWED,
    WINDOW_DAYS,
    Backtest,
    Verdict,
    backtest,
    preview,
    read_filter,
)
from notifications.delivery.rest.settings_schema import as_json, choosing
from registryhub.rest import read_object

_DAYS = {"type": "integer", "default": WINDOW_DAYS, "minimum": 1, "maximum": MAX_WINDOW_DAYS}
_VERDICT = inline_serializer(
    "PreviewedEvent",
    {
        "seq": serializers.IntegerField(),
        "received_at": serializers.DateTimeField(),
        "action": serializers.CharField(),
        "repository": serializers.CharField(),
        "tag": serializers.CharField(),
        "media_type": serializers.CharField(),
        "size": serializers.IntegerField(),
        "actor": serializers.CharField(),
        "tagged": serializers.CharField(help_text="new, moved or same; empty where no tag was set"),
        "platforms": serializers.ListField(child=serializers.CharField()),
        "is_sent": serializers.BooleanField(),
        "refused_by": serializers.CharField(allow_null=True, help_text="the key that keeps it from being sent"),
    },
    many=True,
)
_PREVIEW = inline_serializer(
    "EndpointPreview",
    {
        "matching": serializers.IntegerField(help_text="of the events below, those that would be sent"),
        "looked_at": serializers.IntegerField(help_text=f"the latest events, {PREVIEWED} at most"),
        "events": _VERDICT,
    },
)
_BACKTEST = inline_serializer(
    "EndpointBacktest",
    {
        "sent": serializers.IntegerField(help_text="events that would have been sent"),
        "a_day": serializers.FloatField(),
        "since": serializers.DateTimeField(help_text="of the window, or of the oldest event that was looked at"),
        "looked_at": serializers.IntegerField(help_text="events of the log, sent or not"),
        "is_whole": serializers.BooleanField(help_text="false: only the newest part of the window was looked at"),
        "days": inline_serializer(
            "BacktestedDay", {"day": serializers.DateField(), "sent": serializers.IntegerField()}, many=True
        ),
    },
)


class PreviewView(APIView):
    """Trying settings out on the latest events."""

    @extend_schema(request=as_json(choosing()), responses=_PREVIEW, operation_id="endpoint_preview")
    def post(self, request: Request) -> Response:
        """Which of the latest events would be sent, and which key keeps each of the others from it."""
        found = preview(_read(read_object(request)))
        events = [_event(verdict) for verdict in found.verdicts]
        return Response({"matching": found.matching, "looked_at": len(events), "events": events})


class BacktestView(APIView):
    """Trying settings out on history."""

    @extend_schema(
        request=as_json(choosing(days=_DAYS)),
        responses=_BACKTEST,
        operation_id="endpoint_backtest",
    )
    def post(self, request: Request) -> Response:
        """How many events would have been sent, day by day."""
        document = read_object(request)
        days = serializers.IntegerField(min_value=1, max_value=MAX_WINDOW_DAYS)
        try:
            window = days.run_validation(document.pop("days", WINDOW_DAYS))
        except ValidationError as error:
            raise ValidationError({"days": error.detail}) from error
        return Response(_history(backtest(_read(document), days=window)))


def _read(document: Mapping[str, Any]) -> Filter:
    try:
        return read_filter(document)
    except BadEndpoint as error:
        raise ValidationError(error.problems) from error


def _event(verdict: Verdict) -> dict[str, Any]:
    event, known = verdict.event, facts.parse(verdict.event.facts)
    return {
        "seq": event.seq,
        "received_at": event.received_at,
        "action": event.action,
        "repository": event.repository,
        "tag": event.tag,
        "media_type": event.media_type,
        "size": event.size,
        "actor": event.actor,
        "tagged": known.tagged,
        "platforms": known.platforms,
        "is_sent": verdict.refused_by is None,
        "refused_by": verdict.refused_by,
    }


def _history(found: Backtest) -> dict[str, Any]:
    return {
        "sent": found.sent,
        "a_day": round(found.a_day, 2),
        "since": found.since,
        "looked_at": found.looked_at,
        "is_whole": found.is_whole,
        "days": [{"day": day, "sent": count} for day, count in found.days.items()],
    }


urlpatterns = [
    re_path(r"^endpoints/preview/?$", PreviewView.as_view()),
    re_path(r"^endpoints/backtest/?$", BacktestView.as_view()),
]
