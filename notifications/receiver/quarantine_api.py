"""REST: what could not be read, why, and deciding about it."""

from typing import Any

from django.db.models.functions import Length, Substr
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.log import quarantine
from notifications.log.models import QuarantinedEvent
from notifications.receiver.paging import PageQuery, read_rows
from registryhub.database.keyset import next_link
from registryhub.rest import OnlyKnown, read_body, read_query

SHOWN_BYTES = 4096

_FIELDS = ("id", "reason", "received_at", "source__name", "discarded_at", "discarded_by", "remark")


class QuarantineQuery(PageQuery):
    source = serializers.CharField(  # type: ignore[assignment]
        default="", allow_blank=True, help_text="the name of a source; all by default"
    )
    cause = serializers.CharField(default="", allow_blank=True, help_text="what the reason begins with, before `: `")
    state = serializers.ChoiceField(["waiting", "discarded", "all"], default="all")


class QuarantinedDocument(serializers.Serializer):
    id = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    reason = serializers.CharField()
    received_at = serializers.DateTimeField()
    raw = serializers.CharField(help_text=f"the first {SHOWN_BYTES} bytes of the event as it came")
    size = serializers.IntegerField(help_text="bytes of the whole event")
    discarded_at = serializers.DateTimeField(allow_null=True, help_text="null while it waits for a decision")
    discarded_by = serializers.CharField()
    remark = serializers.CharField(help_text="why it was discarded")


class QuarantineList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = QuarantinedDocument(many=True)


class Chosen(OnlyKnown):
    """Those of a source, or of a cause, or both, that wait."""

    source = serializers.CharField(required=False, max_length=100)  # type: ignore[assignment]
    cause = serializers.CharField(required=False, max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"source", "cause"} & attrs.keys():
            raise serializers.ValidationError("Name a source, a cause, or both.")
        return attrs


class Remark(OnlyKnown):
    remark = serializers.CharField(max_length=1000, help_text="why; it is kept and shown")


class ChosenWithRemark(Chosen, Remark):
    """Those of a source or cause, and why they are discarded."""


class Decided(serializers.Serializer):
    count = serializers.IntegerField(help_text=f"at most {quarantine.MOST_AT_ONCE} at once; ask again for the others")


class QuarantineView(APIView):
    """Events that could not be read or stored."""

    @extend_schema(parameters=[QuarantineQuery], responses=QuarantineList, operation_id="quarantine")
    def get(self, request: Request) -> Response:
        """A page of events that could not be read, the latest first, with the reasons."""
        asked = read_query(QuarantineQuery, request)
        rows = quarantine.by_cause(QuarantinedEvent.objects.all(), asked["cause"])
        if asked["source"]:
            rows = rows.filter(source__name=asked["source"])
        if asked["state"] != "all":
            rows = rows.filter(discarded_at__isnull=asked["state"] == "waiting")
        shown = rows.values(*_FIELDS).annotate(begin=Substr("raw", 1, SHOWN_BYTES), size=Length("raw"))
        page = read_rows(shown, "-id", asked)
        found = [
            row | {"source": row["source__name"], "raw": bytes(row["begin"]).decode("utf-8", "replace")}
            for row in page.rows
        ]
        link = next_link(request.build_absolute_uri(), page)
        return Response({"next": link, "results": QuarantinedDocument(found, many=True).data})


class RetryView(APIView):
    """Reading once more."""

    @extend_schema(request=Chosen, responses=Decided, operation_id="quarantine_retry_many")
    def post(self, request: Request) -> Response:
        """Read those of a source or a cause that wait once more; what fails again comes back."""
        return Response({"count": quarantine.retry(_choose(read_body(Chosen, request)))})


class DiscardView(APIView):
    """Deciding that nothing is to be made of it."""

    @extend_schema(request=ChosenWithRemark, responses=Decided, operation_id="quarantine_discard_many")
    def post(self, request: Request) -> Response:
        """Discard those of a source or a cause that wait."""
        asked = read_body(ChosenWithRemark, request)
        by = request.user.get_username()
        return Response({"count": quarantine.discard(_choose(asked), remark=asked["remark"], by=by)})


class RetryOneView(APIView):
    """Reading one once more."""

    @extend_schema(request=None, responses=Decided, operation_id="quarantine_retry")
    def post(self, request: Request, pk: str) -> Response:
        """Read it once more, also if it was discarded; when that fails, it comes back under a new number."""
        return Response({"count": quarantine.retry(_find(pk))})


class DiscardOneView(APIView):
    """Discarding one."""

    @extend_schema(request=Remark, responses=Decided, operation_id="quarantine_discard")
    def post(self, request: Request, pk: str) -> Response:
        """Discard it; it stays to be seen, with the remark, as long as events are kept."""
        rows, asked = _find(pk), read_body(Remark, request)
        by = request.user.get_username()
        return Response({"count": quarantine.discard(rows, remark=asked["remark"], by=by)})


urlpatterns = [
    re_path(r"^quarantine/?$", QuarantineView.as_view(), name="quarantine"),
    re_path(r"^quarantine/retry/?$", RetryView.as_view(), name="quarantine-retry-many"),
    re_path(r"^quarantine/discard/?$", DiscardView.as_view(), name="quarantine-discard-many"),
    re_path(r"^quarantine/(?P<pk>[0-9]{1,18})/retry/?$", RetryOneView.as_view(), name="quarantine-retry"),
    re_path(r"^quarantine/(?P<pk>[0-9]{1,18})/discard/?$", DiscardOneView.as_view(), name="quarantine-discard"),
]


def _choose(asked: dict[str, Any]) -> quarantine.Rows:
    rows = quarantine.by_cause(quarantine.waiting(), asked.get("cause", ""))
    return rows.filter(source__name=asked["source"]) if "source" in asked else rows


def _find(pk: str) -> quarantine.Rows:
    get_object_or_404(QuarantinedEvent.objects.only("pk"), pk=int(pk))
    return QuarantinedEvent.objects.filter(pk=int(pk))
