"""REST: attempts and messages of endpoints. For staff only."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.delivery.endpoints_api import urlpatterns as of_endpoints
from notifications.delivery.letters_api import urlpatterns as of_letters
from notifications.delivery.models import Attempt, Notice
from notifications.delivery.named import find_endpoint
from registryhub.rest import LatestFirst


class AttemptDocument(serializers.ModelSerializer[Attempt]):
    """A failed attempt, or a batch of successful ones."""

    endpoint = serializers.CharField(source="endpoint.name", read_only=True, help_text="its name")

    class Meta:
        model = Attempt
        fields = (
            *("id", "endpoint", "is_success", "first_seq", "seq", "event_id", "events"),
            *("attempted_at", "duration_seconds", "status", "error", "answer"),
        )
        read_only_fields = fields


class AttemptFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which attempts to list."""

    endpoint = django_filters.CharFilter(method="filter_endpoint", label="name or id of an endpoint")
    is_success = django_filters.BooleanFilter()
    status = django_filters.NumberFilter()
    event_id = django_filters.CharFilter()
    seq = django_filters.NumberFilter(method="filter_seq", label="number of an event")

    def filter_endpoint(self, attempts: QuerySet[Attempt], name: str, value: str) -> QuerySet[Attempt]:
        return attempts.filter(endpoint=find_endpoint(value))

    def filter_seq(self, attempts: QuerySet[Attempt], name: str, value: int) -> QuerySet[Attempt]:
        return attempts.filter(first_seq__lte=value, seq__gte=value)


class AttemptsView(generics.ListAPIView[Attempt]):
    """The latest attempts first."""

    queryset = Attempt.objects.select_related("endpoint")
    serializer_class = AttemptDocument
    filterset_class = AttemptFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="attempts")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of attempts: every failed one, and successes in batches."""
        return super().get(request, *args, **kwargs)


class NoticeDocument(serializers.ModelSerializer[Notice]):
    """A message about an endpoint."""

    endpoint = serializers.CharField(source="endpoint.name", read_only=True, help_text="its name")

    class Meta:
        model = Notice
        fields = ("id", "endpoint", "kind", "level", "text", "created_at")
        read_only_fields = fields


class NoticeFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which messages to list."""

    endpoint = django_filters.CharFilter(method="filter_endpoint", label="name or id of an endpoint")
    kind = django_filters.ChoiceFilter(choices=Notice.Kind.choices)

    def filter_endpoint(self, notices: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        return notices.filter(endpoint=find_endpoint(value))


class NoticesView(generics.ListAPIView[Notice]):
    """What operators should know of the endpoints, the latest first."""

    queryset = Notice.objects.select_related("endpoint")
    serializer_class = NoticeDocument
    filterset_class = NoticeFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="notices")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of messages: an endpoint fails for long, was disabled, has recovered."""
        return super().get(request, *args, **kwargs)


urlpatterns = [
    *of_endpoints,
    re_path(r"^attempts/?$", AttemptsView.as_view()),
    re_path(r"^notices/?$", NoticesView.as_view()),
    *of_letters,
]
