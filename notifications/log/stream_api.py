"""REST: `GET /api/v1/events/stream`, what happens, as it happens."""

from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from notifications.log.queries import StreamQuery, read_query
from notifications.log.stream import Stream, watch
from registryhub.rest import REFUSED

RETRY_AFTER_SECONDS = 10


class TooManyStreams(exceptions.APIException):
    """The places of this process are taken; another may have one, and each comes free within a minute."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Too many streams are open; come again, or ask for /api/v1/events?after=."
    wait = RETRY_AFTER_SECONDS


class WhateverIsAccepted(BaseContentNegotiation):
    """Browsers accept only text/event-stream here, and an error is JSON all the same."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class StreamView(APIView):
    """What happens, as it happens."""

    permission_classes = (AllowAny,)
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        parameters=[StreamQuery, OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER)],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 503: REFUSED},
        operation_id="events_stream",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Server-sent events, each with its number as `id`; closed after a minute, clients go on by themselves."""
        wanted = read_query(StreamQuery, request)
        asked = wanted.pop("after", None)
        seen = _last_event_id(request)
        if not watch.enter(settings.HUB.hub.log.streams):
            raise TooManyStreams
        try:
            parts = Stream(request.user, asked if seen is None else seen, **wanted)
        except BaseException:
            watch.leave()
            raise
        # A proxy must hand on each event when it comes: nginx is told by the last header, others by the first.
        headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(parts, content_type="text/event-stream", headers=headers)


def _last_event_id(request: Request) -> int | None:
    """What a client that was cut off has seen last; anything but a number came from another stream."""
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
