"""REST: the dead letters, and what is to become of one of them or of all that a filter finds. For staff only."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.delivery.models import DeadLetter
from notifications.delivery.rest.named import find_endpoint
from notifications.delivery.sending.letters import discard_letters, resend_letters
from registryhub.rest import LatestFirst, OnlyKnown, read_body

MAX_REMARK_LENGTH = 1000


class DeadLetterDocument(serializers.ModelSerializer[DeadLetter]):
    """An event that was given up."""

    endpoint = serializers.CharField(source="endpoint.name", read_only=True, help_text="its name")
    send_to = serializers.CharField(
        source="send_to.name", read_only=True, default=None, help_text="name of the endpoint that gets it"
    )

    class Meta:
        model = DeadLetter
        fields = (
            *("id", "endpoint", "state", "reason", "seq", "event_id", "action", "repository", "tag", "attempts"),
            *("status", "error", "created_at", "send_to", "settled_at", "settled_by", "remark", "document"),
        )
        read_only_fields = fields


class DeadLetterFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which dead letters are meant."""

    endpoint = django_filters.CharFilter(method="filter_endpoint", label="name or id of an endpoint")
    state = django_filters.ChoiceFilter(choices=DeadLetter.State.choices)
    reason = django_filters.ChoiceFilter(choices=DeadLetter.Reason.choices)
    error = django_filters.CharFilter(lookup_expr="icontains", label="part of the last error")
    status = django_filters.NumberFilter()
    repository = django_filters.CharFilter()
    event_id = django_filters.CharFilter()

    def filter_endpoint(self, letters: QuerySet[DeadLetter], name: str, value: str) -> QuerySet[DeadLetter]:
        return letters.filter(endpoint=find_endpoint(value))


class ResendOrder(OnlyKnown):
    """Where to."""

    endpoint = serializers.CharField(required=False, help_text="name or id of another endpoint; else each to its own")


class DiscardOrder(OnlyKnown):
    """Why."""

    reason = serializers.CharField(max_length=MAX_REMARK_LENGTH)


COUNT = inline_serializer("DeadLetterCount", {"count": serializers.IntegerField(help_text="letters that were meant")})


class DeadLettersView(generics.ListAPIView[DeadLetter]):
    """The latest dead letters first."""

    queryset = DeadLetter.objects.select_related("endpoint", "send_to")
    serializer_class = DeadLetterDocument
    filterset_class = DeadLetterFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="dead_letters")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of dead letters."""
        return super().get(request, *args, **kwargs)


class DeadLetterView(APIView):
    """One dead letter."""

    @extend_schema(responses=DeadLetterDocument, operation_id="dead_letter")
    def get(self, request: Request, pk: int) -> Response:
        """The letter with its event."""
        letter = get_object_or_404(DeadLetter.objects.select_related("endpoint", "send_to"), pk=pk)
        return Response(DeadLetterDocument(letter).data)


class ResendView(APIView):
    """Sending once more."""

    @extend_schema(request=ResendOrder, responses=COUNT, operation_id="dead_letter_resend")
    def post(self, request: Request, pk: int | None = None) -> Response:
        """Send the letter, or all waiting ones that the filter in the query finds, beside the queue of the endpoint."""
        order = read_body(ResendOrder, request)
        named = order.get("endpoint")
        to = find_endpoint(named) if named else None
        return _count(resend_letters(_meant(request, pk), to=to, by=request.user.get_username()))


@extend_schema_view(post=extend_schema(operation_id="dead_letters_resend", filters=True))
class ResendManyView(ResendView):
    """Sending many once more."""


class DiscardView(APIView):
    """Putting away."""

    @extend_schema(request=DiscardOrder, responses=COUNT, operation_id="dead_letter_discard")
    def post(self, request: Request, pk: int | None = None) -> Response:
        """Discard the letter, or all undelivered ones that the filter in the query finds, for a reason that is kept."""
        order = read_body(DiscardOrder, request)
        remark = order["reason"]
        return _count(discard_letters(_meant(request, pk), remark=remark, by=request.user.get_username()))


@extend_schema_view(post=extend_schema(operation_id="dead_letters_discard", filters=True))
class DiscardManyView(DiscardView):
    """Putting many away."""


def _count(count: int) -> Response:
    return Response({"count": count})


def _meant(request: Request, pk: int | None) -> QuerySet[DeadLetter]:
    """Raises Http404, and ValidationError for a filter that cannot be read, or that nobody can have meant."""
    if pk is not None:
        get_object_or_404(DeadLetter, pk=pk)
        return DeadLetter.objects.filter(pk=pk)
    known = DeadLetterFilter.base_filters
    if unknown := sorted(set(request.query_params) - set(known)):
        raise serializers.ValidationError({name: f"is no filter; there are {', '.join(known)}" for name in unknown})
    filters = DeadLetterFilter(request.query_params, DeadLetter.objects.all(), request=request)
    if not filters.is_valid():
        raise serializers.ValidationError(filters.errors)
    found: QuerySet[DeadLetter] = filters.qs
    return found


urlpatterns = [
    re_path(r"^dead-letters/?$", DeadLettersView.as_view()),
    re_path(r"^dead-letters/resend/?$", ResendManyView.as_view()),
    re_path(r"^dead-letters/discard/?$", DiscardManyView.as_view()),
    re_path(r"^dead-letters/(?P<pk>[0-9]{1,18})/?$", DeadLetterView.as_view()),
    re_path(r"^dead-letters/(?P<pk>[0-9]{1,18})/resend/?$", ResendView.as_view()),
    re_path(r"^dead-letters/(?P<pk>[0-9]{1,18})/discard/?$", DiscardView.as_view()),
]
