"""REST: `/api/v1/sources` and `/api/v1/quarantine`, for staff."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Length, Substr
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.log.models import QuarantinedEvent
from notifications.receiver.sources import MAX_GRACE_SECONDS, SourceRefused, add_source, rotate_token
from registryhub.access.models import Source
from registryhub.database.keyset import InvalidCursor, Page, next_link, read_page

SHOWN_BYTES = 4096

_SOURCE_FIELDS = ("id", "name", "is_enabled", "is_public", "created_at")


class PageQuery(serializers.Serializer):
    limit = serializers.IntegerField(default=50, min_value=1, max_value=1000)
    cursor = serializers.CharField(default="", allow_blank=True, help_text="from `next`")


class QuarantineQuery(PageQuery):
    source = serializers.CharField(  # type: ignore[assignment]
        default="", allow_blank=True, help_text="the name of a source; all by default"
    )


class SourceDocument(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=100)
    is_public = serializers.BooleanField(default=False, help_text="its new repositories are seen by everybody")
    is_enabled = serializers.BooleanField(read_only=True, help_text="events of a disabled source are refused")
    created_at = serializers.DateTimeField(read_only=True)


class SourceChange(serializers.Serializer):
    is_public = serializers.BooleanField(required=False)
    is_enabled = serializers.BooleanField(required=False)


class NewSource(SourceDocument):
    token = serializers.CharField(read_only=True, help_text="shown once")


class Rotation(serializers.Serializer):
    grace_seconds = serializers.IntegerField(
        default=0, min_value=0, max_value=MAX_GRACE_SECONDS, help_text="how long the old tokens go on"
    )


class Token(serializers.Serializer):
    token = serializers.CharField(help_text="shown once")


class SourceList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = SourceDocument(many=True)


class QuarantinedDocument(serializers.Serializer):
    id = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    reason = serializers.CharField()
    received_at = serializers.DateTimeField()
    raw = serializers.CharField(help_text=f"the first {SHOWN_BYTES} bytes of the event as it came")
    size = serializers.IntegerField(help_text="bytes of the whole event")


class QuarantineList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = QuarantinedDocument(many=True)


class SourcesView(APIView):
    """Registries whose events come in."""

    @extend_schema(parameters=[PageQuery], responses=SourceList, operation_id="sources")
    def get(self, request: Request) -> Response:
        """A page of sources, by name."""
        page = _read_page(Source.objects.values(*_SOURCE_FIELDS), "name", _asked(PageQuery, request))
        link = next_link(request.build_absolute_uri(), page)
        return Response({"next": link, "results": SourceDocument(page.rows, many=True).data})

    @extend_schema(request=SourceDocument, responses={201: NewSource}, operation_id="source_create")
    def post(self, request: Request) -> Response:
        """Make a source; its token is in this answer only."""
        wanted = SourceDocument(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            source, token = add_source(**wanted.validated_data)
        except SourceRefused as error:
            raise serializers.ValidationError({"name": str(error)}) from error
        return Response(NewSource({**_document(source), "token": token}).data, status=201)


class SourceView(APIView):
    """One source."""

    @extend_schema(responses=SourceDocument, operation_id="source")
    def get(self, request: Request, pk: str) -> Response:
        """The source."""
        return Response(SourceDocument(_document(_find(pk))).data)

    @extend_schema(request=SourceChange, responses=SourceDocument, operation_id="source_change")
    def patch(self, request: Request, pk: str) -> Response:
        """Enable or disable it, make its new repositories public or private."""
        source = _find(pk)
        change = SourceChange(data=request.data)
        change.is_valid(raise_exception=True)
        with transaction.atomic():
            Source.objects.filter(pk=source.pk).update(**change.validated_data)
        return Response(SourceDocument(_document(_find(pk))).data)


class RotateTokenView(APIView):
    """A source's tokens."""

    @extend_schema(request=Rotation, responses=Token, operation_id="source_rotate_token")
    def post(self, request: Request, pk: str) -> Response:
        """A new token, in this answer only; the old ones end now, or after the grace."""
        rotation = Rotation(data=request.data)
        rotation.is_valid(raise_exception=True)
        try:
            token = rotate_token(_find(pk), **rotation.validated_data)
        except SourceRefused as error:
            raise serializers.ValidationError({"detail": str(error)}) from error
        return Response({"token": token})


class QuarantineView(APIView):
    """Events that could not be read or stored."""

    @extend_schema(parameters=[QuarantineQuery], responses=QuarantineList, operation_id="quarantine")
    def get(self, request: Request) -> Response:
        """A page of events that could not be read, the latest first, with the reasons."""
        asked = _asked(QuarantineQuery, request)
        rows = QuarantinedEvent.objects.values("id", "reason", "received_at", "source__name").annotate(
            begin=Substr("raw", 1, SHOWN_BYTES), size=Length("raw")
        )
        if asked["source"]:
            rows = rows.filter(source__name=asked["source"])
        page = _read_page(rows, "-id", asked)
        found = [
            row | {"source": row["source__name"], "raw": bytes(row["begin"]).decode("utf-8", "replace")}
            for row in page.rows
        ]
        link = next_link(request.build_absolute_uri(), page)
        return Response({"next": link, "results": QuarantinedDocument(found, many=True).data})


urlpatterns = [
    re_path(r"^sources/?$", SourcesView.as_view(), name="sources"),
    re_path(r"^sources/(?P<pk>[0-9]{1,18})/?$", SourceView.as_view(), name="source"),
    re_path(r"^sources/(?P<pk>[0-9]{1,18})/rotate-token/?$", RotateTokenView.as_view(), name="source-rotate-token"),
    re_path(r"^quarantine/?$", QuarantineView.as_view(), name="quarantine"),
]


def _find(pk: str) -> Source:
    return get_object_or_404(Source, pk=int(pk))


def _document(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in _SOURCE_FIELDS}


def _asked(kind: type[PageQuery], request: Request) -> dict[str, Any]:
    query = kind(data=request.query_params)
    query.is_valid(raise_exception=True)
    found: dict[str, Any] = query.validated_data
    return found


def _read_page(rows: Any, order: str, asked: dict[str, Any]) -> Page:
    try:
        return read_page(rows, (order,), cursor=asked["cursor"], limit=asked["limit"])
    except InvalidCursor as error:
        raise serializers.ValidationError({"cursor": str(error)}) from error
