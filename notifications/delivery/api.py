"""REST: what there is about webhooks, and the messages about them. For staff only."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.delivery.models import Notice
from notifications.delivery.rest.attempts import urlpatterns as of_attempts
from notifications.delivery.rest.endpoints import urlpatterns as of_endpoints
from notifications.delivery.rest.letters import urlpatterns as of_letters
from notifications.delivery.rest.named import find_endpoint
from notifications.delivery.rest.preview import urlpatterns as of_previews
from notifications.delivery.rest.resends import urlpatterns as of_resends
from registryhub.rest import LatestFirst


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
    *of_previews,
    *of_attempts,
    *of_resends,
    re_path(r"^notices/?$", NoticesView.as_view()),
    *of_letters,
]
