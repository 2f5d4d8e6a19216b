"""REST: the endpoints with their state and backlog, and what became of each attempt. For staff only."""

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import re_path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.delivery.backlog import Backlog, describe, measure_backlogs
from notifications.delivery.letters_api import urlpatterns as of_letters
from notifications.delivery.models import Attempt, Endpoint, Notice
from notifications.delivery.named import find_endpoint
from notifications.delivery.pauses import pause_endpoint, resume_endpoint
from registryhub.rest import LatestFirst

COUNTERS = inline_serializer(
    "EndpointCounters",
    {
        "events": serializers.IntegerField(help_text="that came into its queue"),
        "pending": serializers.IntegerField(help_text="that wait, the one being sent included"),
        "successes": serializers.IntegerField(help_text="attempts that were accepted"),
        "failures": serializers.IntegerField(help_text="attempts that were refused with a status"),
        "errors": serializers.IntegerField(help_text="attempts without an answer"),
        "given_up": serializers.IntegerField(help_text="events that became dead letters"),
        "statuses": serializers.DictField(child=serializers.IntegerField(), help_text="answers by status"),
    },
)
"""The counters of the reference (C.6)."""


class EndpointDocument(serializers.ModelSerializer[Endpoint]):
    """`context["backlogs"]` holds the backlog of each endpoint by its id."""

    state = serializers.ChoiceField(choices=Endpoint.State.choices, read_only=True)
    description = serializers.SerializerMethodField(help_text="the state in words")
    position = serializers.SerializerMethodField(help_text="number of the last event dealt with")
    behind = serializers.SerializerMethodField(help_text="all events of the log after the position")
    pending = serializers.SerializerMethodField(help_text="those of them that the endpoint gets")
    pending_is_exact = serializers.SerializerMethodField(
        help_text="false: so far behind that pending is an upper bound"
    )
    oldest_pending_seconds = serializers.SerializerMethodField(help_text="how long the oldest of them has waited")
    counters = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields = (
            *("id", "name", "url", "origin", "state", "description", "is_paused", "is_disabled", "is_absent"),
            *("position", "behind", "pending", "pending_is_exact", "oldest_pending_seconds"),
            *("stopped_at", "stop_reason", "consecutive_failures", "event_failures", "failing_seconds", "alert_level"),
            *("last_error", "last_failure_at", "last_success_at", "next_try_at", "counters"),
            *("timeout_seconds", "threshold", "backoff_seconds", "max_backoff_seconds", "max_attempts"),
            *(
                "max_age_seconds",
                "disable_after_seconds",
                "rate_limit_per_second",
                "face",
                "batch_size",
                "header_names",
            ),
            *("ignored_media_types", "ignored_actions", "created_at"),
        )
        read_only_fields = fields

    def get_description(self, endpoint: Endpoint) -> str:
        return describe(endpoint, self._backlog(endpoint), self._now())

    def get_position(self, endpoint: Endpoint) -> int | None:
        return self._backlog(endpoint).position

    def get_behind(self, endpoint: Endpoint) -> int:
        return self._backlog(endpoint).behind

    def get_pending(self, endpoint: Endpoint) -> int:
        return self._backlog(endpoint).pending

    def get_pending_is_exact(self, endpoint: Endpoint) -> bool:
        return self._backlog(endpoint).is_exact

    def get_oldest_pending_seconds(self, endpoint: Endpoint) -> float | None:
        return self._backlog(endpoint).oldest_pending_seconds(self._now())

    @extend_schema_field(COUNTERS)
    def get_counters(self, endpoint: Endpoint) -> dict[str, Any]:
        pending = self._backlog(endpoint).pending
        return {
            "events": endpoint.successes + endpoint.given_up + pending,
            "pending": pending,
            "successes": endpoint.successes,
            "failures": endpoint.failures,
            "errors": endpoint.errors,
            "given_up": endpoint.given_up,
            "statuses": endpoint.statuses,
        }

    def _backlog(self, endpoint: Endpoint) -> Backlog:
        backlog: Backlog = self.context["backlogs"][endpoint.pk]
        return backlog

    def _now(self) -> datetime:
        return timezone.now()


class EndpointList(serializers.Serializer[dict[str, Any]]):
    """All of them: they are few."""

    results = EndpointDocument(many=True)


def _render(endpoint: Endpoint) -> Response:
    return Response(EndpointDocument(endpoint, context={"backlogs": measure_backlogs([endpoint])}).data)


class EndpointsView(APIView):
    """Webhook endpoints."""

    @extend_schema(responses=EndpointList, operation_id="endpoints")
    def get(self, request: Request) -> Response:
        """All endpoints by name, with state, position and backlog."""
        endpoints = list(Endpoint.objects.order_by("name"))
        documents = EndpointDocument(endpoints, many=True, context={"backlogs": measure_backlogs(endpoints)})
        return Response({"results": documents.data})


class EndpointView(APIView):
    """One endpoint."""

    @extend_schema(responses=EndpointDocument, operation_id="endpoint")
    def get(self, request: Request, pk: int) -> Response:
        """The endpoint with state, position and backlog."""
        return _render(get_object_or_404(Endpoint, pk=pk))


class PauseView(APIView):
    """Stopping an endpoint."""

    @extend_schema(request=None, responses=EndpointDocument, operation_id="endpoint_pause")
    def post(self, request: Request, pk: int) -> Response:
        """Send nothing more to the endpoint; its events wait in the log."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        pause_endpoint(endpoint)
        return _render(endpoint)


class ResumeView(APIView):
    """Restarting an endpoint."""

    @extend_schema(request=None, responses=EndpointDocument, operation_id="endpoint_resume")
    def post(self, request: Request, pk: int) -> Response:
        """Go on where the endpoint was paused or disabled by the hub; the next attempt is made at once."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        resume_endpoint(endpoint)
        return _render(endpoint)


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
    re_path(r"^endpoints/?$", EndpointsView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/?$", EndpointView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/pause/?$", PauseView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/resume/?$", ResumeView.as_view()),
    re_path(r"^attempts/?$", AttemptsView.as_view()),
    re_path(r"^notices/?$", NoticesView.as_view()),
    *of_letters,
]
