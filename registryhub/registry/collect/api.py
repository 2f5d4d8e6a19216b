"""REST: `/api/v1/collections`. Staff may look; who may add collections may ask for one."""

from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registryhub.config.durations import parse_duration
from registryhub.registry.collect.plan import TASK, new_collection
from registryhub.registry.models import Collection
from registryhub.rest import LatestFirst, OnlyKnown, read_body
from registryhub.workers import wake


class MayCollect(BasePermission):
    """What is collected is gone."""

    message = "You may not collect garbage."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in ("GET", "HEAD", "OPTIONS") or request.user.has_perm("registry.add_collection")


class CollectionDocument(serializers.ModelSerializer[Collection]):
    """What it was asked for, how far it is, and what it has removed."""

    class Meta:
        model = Collection
        fields = (
            "id",
            "state",
            "phase",
            "is_dry_run",
            "grace_seconds",
            "untagged_seconds",
            "slot",
            "created_at",
            "started_at",
            "finished_at",
            "manifests",
            "links",
            "blobs",
            "freed_bytes",
            "waiting",
            "skipped",
            "error",
        )
        read_only_fields = fields


class CollectionRequest(OnlyKnown):
    """What to collect; by default what the schedule does, without untagged manifests."""

    dry_run = serializers.BooleanField(default=False, help_text="only count")
    delete_untagged = serializers.BooleanField(
        default=False, help_text="manifests without a tag go too, after the same grace period"
    )
    grace = serializers.CharField(
        required=False, help_text="what was used since then stays, such as 24h or 0s; default: hub.collect.grace"
    )

    def validate_grace(self, text: str) -> float:
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        if seconds < 0:
            raise serializers.ValidationError("must not be negative")
        return seconds


class CollectionsView(generics.ListAPIView[Collection]):
    """Garbage collections, the latest first."""

    permission_classes = (IsAdminUser, MayCollect)
    queryset = Collection.objects.all()
    serializer_class = CollectionDocument
    pagination_class = LatestFirst

    @extend_schema(operation_id="collections")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of collections."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=CollectionRequest, responses={202: CollectionDocument}, operation_id="collection_request")
    def post(self, request: Request) -> Response:
        """Ask for a collection; a worker carries it out."""
        asked = read_body(CollectionRequest, request)
        collection = new_collection(
            is_dry_run=asked["dry_run"],
            deletes_untagged=asked["delete_untagged"],
            grace_seconds=cast(float, asked.get("grace", settings.HUB.hub.collect.grace_seconds)),
        )
        with transaction.atomic():
            collection.save()
            transaction.on_commit(partial(wake, TASK))
        return Response(CollectionDocument(collection).data, status=status.HTTP_202_ACCEPTED)


class CollectionView(APIView):
    """One garbage collection."""

    permission_classes = (IsAdminUser,)

    @extend_schema(responses=CollectionDocument, operation_id="collection")
    def get(self, request: Request, pk: str) -> Response:
        """How far it is, and what it has removed."""
        return Response(CollectionDocument(get_object_or_404(Collection, pk=pk)).data)


urlpatterns = [
    re_path(r"^collections/?$", CollectionsView.as_view(), name="collections"),
    re_path(r"^collections/(?P<pk>[0-9]{1,18})/?$", CollectionView.as_view(), name="collection"),
]
