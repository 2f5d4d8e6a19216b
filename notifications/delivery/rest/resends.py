"""REST: parts of the log that are to be sent once more. For staff only."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.delivery.models import Attempt, Endpoint, Resend
from notifications.delivery.rest.endpoints import Conflict
from notifications.delivery.rest.named import find_endpoint
from notifications.delivery.sending.ranges import (
    NothingToResend,
    ask_range,
    cancel_range,
    continue_range,
    numbers_between,
)
from registryhub.rest import REFUSED, LatestFirst, OnlyKnown

_MAX_SEQ = 2**63 - 1


class ResendDocument(serializers.ModelSerializer[Resend]):
    """A part of the log that somebody wants sent once more."""

    endpoint = serializers.CharField(source="endpoint.name", read_only=True, help_text="whose events they were")
    send_to = serializers.CharField(
        source="send_to.name", read_only=True, help_text="name of the endpoint that gets them"
    )

    class Meta:
        model = Resend
        fields = (
            *("id", "endpoint", "send_to", "which", "first_seq", "last_seq", "position", "state"),
            *("sent", "skipped", "lost", "failures", "error", "asked_by", "created_at", "settled_at"),
        )
        read_only_fields = fields


class ResendFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which to list."""

    endpoint = django_filters.CharFilter(method="filter_endpoint", label="name or id of an endpoint")
    state = django_filters.ChoiceFilter(choices=Resend.State.choices)

    def filter_endpoint(self, resends: QuerySet[Resend], name: str, value: str) -> QuerySet[Resend]:
        return resends.filter(endpoint=find_endpoint(value))


class ToOrder(OnlyKnown):
    """Where to."""

    to = serializers.CharField(required=False, help_text="name or id of another endpoint; else to its own")

    def receiver(self) -> Endpoint | None:
        """None for its own."""
        named = self.validated_data.get("to")
        return find_endpoint(named, parameter="to") if named else None


class RangeOrder(ToOrder):
    """Which part: by numbers, or by when events came in; without either all of the log."""

    first = serializers.IntegerField(
        required=False, min_value=1, max_value=_MAX_SEQ, help_text="number of the first event"
    )
    last = serializers.IntegerField(
        required=False, min_value=1, max_value=_MAX_SEQ, help_text="number of the last event"
    )
    since = serializers.DateTimeField(required=False, help_text="when the first one came in")
    until = serializers.DateTimeField(required=False, help_text="before which the last one came in")
    which = serializers.ChoiceField(Resend.Which.choices, default=Resend.Which.ALL)

    def validate(self, attrs: Any) -> Any:
        if {"first", "last"} & attrs.keys() and {"since", "until"} & attrs.keys():
            raise serializers.ValidationError("write numbers or times, not both")
        return attrs

    def numbers(self) -> tuple[int, int]:
        """Of the first and the last event."""
        data = self.validated_data
        first, last = numbers_between(data.get("since"), data.get("until"))
        return data.get("first", first), data.get("last", last)


def _asked(request: Request, endpoint: Endpoint, **wanted: Any) -> Response:
    try:
        resend = ask_range(endpoint, by=request.user.get_username(), **wanted)
    except NothingToResend as error:
        raise Conflict(str(error)) from error
    return Response(ResendDocument(resend).data, status=status.HTTP_201_CREATED)


class AttemptResendView(APIView):
    """Sending again what was sent."""

    @extend_schema(request=ToOrder, responses={201: ResendDocument, 409: REFUSED}, operation_id="attempt_resend")
    def post(self, request: Request, pk: int) -> Response:
        """Send the event of the attempt, or all of the batch, once more: to its endpoint or another."""
        attempt = get_object_or_404(Attempt.objects.select_related("endpoint"), pk=pk)
        if attempt.is_test:
            raise Conflict("a test event is in no log; send another one")
        order = ToOrder(data=request.data)
        order.is_valid(raise_exception=True)
        return _asked(request, attempt.endpoint, first=attempt.first_seq, last=attempt.seq, to=order.receiver())


class EndpointResendView(APIView):
    """Sending again a part of the log."""

    @extend_schema(request=RangeOrder, responses={201: ResendDocument, 409: REFUSED}, operation_id="endpoint_resend")
    def post(self, request: Request, pk: int) -> Response:
        """Send all events of a part of the log once more that the endpoint gets, or those that failed."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        order = RangeOrder(data=request.data)
        order.is_valid(raise_exception=True)
        first, last = order.numbers()
        return _asked(
            request, endpoint, first=first, last=last, to=order.receiver(), which=order.validated_data["which"]
        )


class ResendsView(generics.ListAPIView[Resend]):
    """The latest first."""

    queryset = Resend.objects.select_related("endpoint", "send_to")
    serializer_class = ResendDocument
    filterset_class = ResendFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="resends")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of what was to be sent once more, and how far that is."""
        return super().get(request, *args, **kwargs)


class ResendView(APIView):
    """One of them."""

    @extend_schema(responses=ResendDocument, operation_id="resend")
    def get(self, request: Request, pk: int) -> Response:
        """How far it is."""
        return Response(ResendDocument(_find(pk)).data)


class CancelView(APIView):
    """Ending one."""

    @extend_schema(request=None, responses=ResendDocument, operation_id="resend_cancel")
    def post(self, request: Request, pk: int) -> Response:
        """Send nothing more of it. What is over stays as it is."""
        cancel_range(_find(pk))
        return Response(ResendDocument(_find(pk)).data)


class ContinueView(APIView):
    """Going on."""

    @extend_schema(request=None, responses=ResendDocument, operation_id="resend_continue")
    def post(self, request: Request, pk: int) -> Response:
        """Go on with one that has stopped, where it has stopped."""
        continue_range(_find(pk))
        return Response(ResendDocument(_find(pk)).data)


def _find(pk: int) -> Resend:
    return get_object_or_404(Resend.objects.select_related("endpoint", "send_to"), pk=pk)


urlpatterns = [
    re_path(r"^attempts/(?P<pk>[0-9]{1,18})/resend/?$", AttemptResendView.as_view()),
    re_path(r"^endpoints/(?P<pk>[0-9]{1,18})/resend/?$", EndpointResendView.as_view()),
    re_path(r"^resends/?$", ResendsView.as_view()),
    re_path(r"^resends/(?P<pk>[0-9]{1,18})/?$", ResendView.as_view()),
    re_path(r"^resends/(?P<pk>[0-9]{1,18})/cancel/?$", CancelView.as_view()),
    re_path(r"^resends/(?P<pk>[0-9]{1,18})/continue/?$", ContinueView.as_view()),
]
