"""What the parts of the REST API have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError as Unfit
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from registryhub.config.durations import parse_duration

JSON = "application/json"
REFUSED = OpenApiResponse(description="See `registryhub.openapi`, which has the words and the body of each status.")
"""For the statuses that a view adds to those which come with what it takes."""

IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="an ETag that came before")
UNCHANGED = OpenApiResponse(description="What the ETag was of is still so.")
_EVERYWHERE = frozenset(("format",))


DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$",
    "description": "such as 500ms, 10s or 1h30m",
    "example": "24h",
}


@extend_schema_field(DURATION_SCHEMA)
class DurationField(serializers.CharField):
    """A duration with its unit, read as seconds."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            seconds = parse_duration(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        if seconds < 0:
            raise serializers.ValidationError("must not be negative")
        return seconds

    def get_default(self) -> Any:
        return self.to_internal_value(super().get_default())


class OnlyKnown(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt one would leave a default in its place, and nobody told.

    What is only read may be sent back as it came.
    """

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(data.keys() - self.fields.keys() - _EVERYWHERE) if isinstance(data, Mapping) else ()
        if unknown:
            known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
            raise serializers.ValidationError(dict.fromkeys(unknown, f"is unknown here; known are {known}"))
        return super().to_internal_value(data)


class OnlyKnownSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The schema says that they refuse it."""

    target_class = OnlyKnown
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        known: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**known, "additionalProperties": False}


class Pages(CursorPagination):
    """By a cursor that does not slip when new rows come in; `ordering` must be unique."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Raises ValidationError for a cursor that was not made for this listing."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, OverflowError, Unfit) as error:
            mend = "The cursor belongs to another listing; begin without a cursor and follow `next`."
            raise serializers.ValidationError({"cursor": mend}) from error

    def decode_cursor(self, request: Request) -> Any:
        found = super().decode_cursor(request)
        if found is not None and "\0" in str(found.position):
            raise NotFound(self.invalid_cursor_message)
        return found


class LatestFirst(Pages):
    ordering = "-id"


class Negotiation(DefaultContentNegotiation):
    """What is asked for by `?format=` and is not there is a mistake like any other."""

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:  # noqa: A002
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = ", ".join(renderer.format for renderer in renderers)
            raise serializers.ValidationError({"format": f"There is no such format here; there is {known}."})
        return found


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Errors are JSON objects whatever was asked for; what is wrong with no field in particular is their `detail`."""
    response = exception_handler(error, dict(context))
    if response is not None:
        if isinstance(response.data, list):
            response.data = {"detail": " ".join(map(str, response.data))}
        context["request"].accepted_renderer, context["request"].accepted_media_type = JSONRenderer(), JSON
    return response


def read_query(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The valid parameters of the URL. Raises ValidationError."""
    return _valid(kind(data=request.query_params))


def read_body(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The valid fields of the body. Raises ValidationError."""
    return _valid(kind(data=request.data))


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises ValidationError for anything else."""
    if not isinstance(request.data, Mapping):
        raise serializers.ValidationError("must be an object")
    return dict(request.data)


def _valid(wanted: serializers.Serializer[Any]) -> dict[str, Any]:
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
