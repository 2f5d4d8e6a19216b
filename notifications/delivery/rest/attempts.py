"""REST: the delivery log of endpoints, test events, and how an endpoint did lately. For staff only."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import re_path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.delivery.endpoints import NotConfigured
from notifications.delivery.models import Attempt, Endpoint
from notifications.delivery.outgoing.curl import Request as Sent
from notifications.delivery.outgoing.curl import write_curl
from notifications.delivery.rest.endpoints import Conflict, refusals
from notifications.delivery.rest.named import find_endpoint
from notifications.delivery.stats import measure_stats
from notifications.delivery.trials import KINDS, send_test
from registryhub.rest import LatestFirst, OnlyKnown, read_body, read_query

_CONTENT = ("request_head", "request_body", "answer_head")


class AttemptDocument(serializers.ModelSerializer[Attempt]):
    """A failed attempt, or a batch of successful ones."""

    endpoint = serializers.CharField(source="endpoint.name", read_only=True, help_text="its name")
    is_test = serializers.BooleanField(
        read_only=True, help_text="whether it was a test event, which counts for nothing"
    )

    class Meta:
        model = Attempt
        fields: tuple[str, ...] = (
            *("id", "endpoint", "occasion", "is_test", "is_success", "first_seq", "seq", "event_id", "events"),
            *("attempted_at", "duration_seconds", "look_up_seconds", "connect_seconds", "tls_seconds"),
            *("first_byte_seconds", "status", "error", "answer", "next_try_at"),
        )
        read_only_fields = fields


class AttemptDetail(AttemptDocument):
    """The same with what was sent and answered; values of configured headers are never kept."""

    curl = serializers.SerializerMethodField(help_text="the command that sends it again; empty if nothing was sent")

    class Meta(AttemptDocument.Meta):
        fields = (*AttemptDocument.Meta.fields, *_CONTENT, "curl")
        read_only_fields = fields

    def get_curl(self, attempt: Attempt) -> str:
        if not attempt.request_head:
            return ""
        return write_curl(Sent(attempt.endpoint.url, attempt.request_head, attempt.request_body))


class AttemptFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which attempts to list."""

    endpoint = django_filters.CharFilter(method="filter_endpoint", label="name or id of an endpoint")
    occasion = django_filters.ChoiceFilter(choices=Attempt.Occasion.choices)
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

    queryset = Attempt.objects.select_related("endpoint").defer(*_CONTENT)
    serializer_class = AttemptDocument
    filterset_class = AttemptFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="attempts")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of attempts: every failed one, and successes in batches."""
        return super().get(request, *args, **kwargs)


class AttemptView(APIView):
    """One attempt."""

    @extend_schema(responses=AttemptDetail, operation_id="attempt")
    def get(self, request: Request, pk: int) -> Response:
        """The attempt with what was sent and answered."""
        return Response(AttemptDetail(get_object_or_404(Attempt.objects.select_related("endpoint"), pk=pk)).data)


class TestOrder(OnlyKnown):
    """What to send."""

    kind = serializers.ChoiceField(KINDS, default="push")


class TestView(APIView):
    """Trying an endpoint out."""

    @extend_schema(request=TestOrder, responses={201: AttemptDetail}, operation_id="endpoint_test")
    def post(self, request: Request, pk: int) -> Response:
        """Send a test event now, also to a paused endpoint. It is not tried again, and counts for nothing."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        order = read_body(TestOrder, request)
        try:
            with refusals():
                attempt = send_test(endpoint, order["kind"])
        except NotConfigured as error:
            raise Conflict(str(error)) from error
        return Response(AttemptDetail(attempt).data, status=status.HTTP_201_CREATED)


class EndpointStats(serializers.Serializer[Any]):
    """How an endpoint did, from the attempts that are kept; tests do not count."""

    since = serializers.DateTimeField(help_text="later than was asked for where older attempts were removed already")
    requests = serializers.IntegerField()
    accepted = serializers.IntegerField(help_text="requests that were answered with 2xx")
    success_percent = serializers.FloatField(allow_null=True)
    events = serializers.IntegerField(help_text="that were delivered")
    by_class = serializers.DictField(child=serializers.IntegerField(), help_text="requests by 2xx … 5xx, none")
    p95_seconds = serializers.FloatField(
        allow_null=True, help_text="what 95 % of the requests took at most, to a fifth"
    )


class StatsOrder(OnlyKnown):
    """Since when."""

    hours = serializers.FloatField(min_value=0.01, max_value=24 * 366, default=24.0)


class EndpointStatsView(APIView):
    """How an endpoint did lately."""

    @extend_schema(parameters=[StatsOrder], responses=EndpointStats, operation_id="endpoint_stats")
    def get(self, request: Request, pk: int) -> Response:
        """Successes, times and answers of the last 24 hours, or as many as are asked for."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        order = read_query(StatsOrder, request)
        since = timezone.now() - timedelta(hours=order["hours"])
        return Response(EndpointStats(measure_stats(endpoint, since)).data)


urlpatterns = [
    re_path(r"^attempts/?$", AttemptsView.as_view()),
    re_path(r"^attempts/(?P<pk>[0-9]{1,18})/?$", AttemptView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/test/?$", TestView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/stats/?$", EndpointStatsView.as_view()),
]
