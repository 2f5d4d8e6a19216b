"""What the parts of the REST API have in common."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

_EVERYWHERE = frozenset(("format",))


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


class Pages(CursorPagination):
    """By a cursor that does not slip when new rows come in; `ordering` must be unique."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 1000


class LatestFirst(Pages):
    ordering = "-id"


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
