"""REST: `/api/v1/sources` and `/api/v1/quarantine`, for staff."""

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.receiver import quarantine_api
from notifications.receiver.paging import PageQuery, read_rows
from notifications.receiver.sources import (
    MAX_GRACE_SECONDS,
    MAX_SECRET_LENGTH,
    SourceRefused,
    add_signing_source,
    add_source,
    change_source,
    delete_source,
    rotate_secret,
    rotate_token,
)
from notifications.receiver.standing import Standing, read_standings
from registryhub.access.models import Source
from registryhub.database.keyset import next_link
from registryhub.rest import read_body, read_query


class ClockDocument(serializers.Serializer):
    state = serializers.ChoiceField(
        ["", "right", "ahead", "behind"],
        source="clock",
        help_text="`ahead` or `behind`: it cannot be believed, or (behind) its events wait before they are sent",
    )
    offset_seconds = serializers.FloatField(
        source="tally.offset_seconds", allow_null=True, help_text="of the event that came soonest; above 0: ahead"
    )


class SourceDocument(serializers.Serializer):
    """A source and how it does."""

    id = serializers.IntegerField(source="source.pk")
    name = serializers.CharField(source="source.name")
    is_public = serializers.BooleanField(source="source.is_public", help_text="its new repositories are seen by all")
    is_enabled = serializers.BooleanField(
        source="source.is_enabled", help_text="events of a disabled source are refused"
    )
    events_per_second = serializers.FloatField(source="source.events_per_second", help_text="0: no limit")
    created_at = serializers.DateTimeField(source="source.created_at")
    events = serializers.IntegerField(source="tally.events", help_text="in the log, removed ones included")
    duplicates = serializers.IntegerField(source="tally.duplicates", help_text="left out: the log had them already")
    quarantined = serializers.IntegerField(source="tally.quarantined", help_text="that went to quarantine, ever")
    waiting = serializers.IntegerField(help_text="that are in quarantine and wait for a decision")
    last_received_at = serializers.DateTimeField(source="tally.last_received_at", allow_null=True)
    last_occurred_at = serializers.DateTimeField(
        source="tally.last_occurred_at", allow_null=True, help_text="the last event's own time"
    )
    remembered_since = serializers.DateTimeField(
        source="tally.forgotten_to", allow_null=True, help_text="events from before it are late"
    )
    clock = ClockDocument(source="*")


class SourceChange(serializers.Serializer):
    is_public = serializers.BooleanField(required=False)
    is_enabled = serializers.BooleanField(required=False)
    events_per_second = serializers.FloatField(
        required=False, min_value=0, max_value=1e9, help_text="more are answered 429; 0: no limit"
    )


class NewSource(serializers.Serializer):
    name = serializers.CharField(max_length=100)
    is_public = serializers.BooleanField(default=False)
    events_per_second = serializers.FloatField(default=0.0, min_value=0, max_value=1e9)
    proof = serializers.ChoiceField(
        ["token", "secret"], default="token", help_text="a token that it sends, or a secret with which it signs"
    )
    secret = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=MAX_SECRET_LENGTH,
        help_text="with `proof: secret`: the one that the sender has made; a new one if empty",
    )


class MadeSource(SourceDocument):
    token = serializers.CharField(required=False, help_text="shown once")
    secret = serializers.CharField(required=False, help_text="shown once")


class Rotation(serializers.Serializer):
    grace_seconds = serializers.IntegerField(
        default=0, min_value=0, max_value=MAX_GRACE_SECONDS, help_text="how long the old ones go on"
    )


class SecretRotation(Rotation):
    secret = serializers.CharField(
        default="", allow_blank=True, max_length=MAX_SECRET_LENGTH, help_text="the sender's; a new one if empty"
    )


class Token(serializers.Serializer):
    token = serializers.CharField(help_text="shown once")


class Secret(serializers.Serializer):
    secret = serializers.CharField(help_text="shown once")


class SourceList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = SourceDocument(many=True)


class SourcesView(APIView):
    """Registries whose events come in."""

    @extend_schema(parameters=[PageQuery], responses=SourceList, operation_id="sources")
    def get(self, request: Request) -> Response:
        """A page of sources, by name."""
        page = read_rows(Source.objects.values("pk", "name"), "name", read_query(PageQuery, request))
        found = read_standings(Source.objects.filter(pk__in=[row["pk"] for row in page.rows]).order_by("name"))
        link = next_link(request.build_absolute_uri(), page)
        return Response({"next": link, "results": SourceDocument(found, many=True).data})

    @extend_schema(request=NewSource, responses={201: MadeSource}, operation_id="source_create")
    def post(self, request: Request) -> Response:
        """Make a source; its token or secret is in this answer only."""
        wanted = read_body(NewSource, request)
        proof, secret = wanted.pop("proof"), wanted.pop("secret")
        try:
            if proof == "token":
                source, shown = add_source(**wanted)
            else:
                source, shown = add_signing_source(secret=secret, **wanted)
        except SourceRefused as error:
            raise serializers.ValidationError({"name": str(error)}) from error
        return Response({**SourceDocument(_standing(source)).data, proof: shown}, status=201)


class SourceView(APIView):
    """One source."""

    @extend_schema(responses=SourceDocument, operation_id="source")
    def get(self, request: Request, pk: str) -> Response:
        """The source, what has come from it, and how its clock goes."""
        return Response(SourceDocument(_standing(_find(pk))).data)

    @extend_schema(request=SourceChange, responses=SourceDocument, operation_id="source_change")
    def patch(self, request: Request, pk: str) -> Response:
        """Enable or disable it, make its new repositories public or private, limit its pace."""
        change_source(_find(pk), **read_body(SourceChange, request))
        return Response(SourceDocument(_standing(_find(pk))).data)

    @extend_schema(responses={204: None, 409: None}, operation_id="source_delete")
    def delete(self, request: Request, pk: str) -> Response:
        """Forget it with its tokens, secrets and quarantine; 409 when it has events or repositories."""
        try:
            delete_source(_find(pk))
        except SourceRefused as error:
            return Response({"detail": str(error)}, status=409)
        return Response(status=204)


class RotateTokenView(APIView):
    """A source's tokens."""

    @extend_schema(request=Rotation, responses=Token, operation_id="source_rotate_token")
    def post(self, request: Request, pk: str) -> Response:
        """A new token, in this answer only; the old ones end now, or after the grace."""
        return Response({"token": _rotate(rotate_token, pk, read_body(Rotation, request))})


class RotateSecretView(APIView):
    """A source's secrets."""

    @extend_schema(request=SecretRotation, responses=Secret, operation_id="source_rotate_secret")
    def post(self, request: Request, pk: str) -> Response:
        """A new secret to sign with, in this answer only; the old ones end now, or after the grace."""
        return Response({"secret": _rotate(rotate_secret, pk, read_body(SecretRotation, request))})


urlpatterns = [
    re_path(r"^sources/?$", SourcesView.as_view(), name="sources"),
    re_path(r"^sources/(?P<pk>[0-9]{1,18})/?$", SourceView.as_view(), name="source"),
    re_path(r"^sources/(?P<pk>[0-9]{1,18})/rotate-token/?$", RotateTokenView.as_view(), name="source-rotate-token"),
    re_path(r"^sources/(?P<pk>[0-9]{1,18})/rotate-secret/?$", RotateSecretView.as_view(), name="source-rotate-secret"),
    *quarantine_api.urlpatterns,
]


def _find(pk: str) -> Source:
    return get_object_or_404(Source, pk=int(pk))


def _standing(source: Source) -> Standing:
    return read_standings(Source.objects.filter(pk=source.pk))[0]


def _rotate(rotate: Callable[..., str], pk: str, asked: dict[str, Any]) -> str:
    try:
        return rotate(_find(pk), **asked)
    except SourceRefused as error:
        raise serializers.ValidationError({"detail": str(error)}) from error
