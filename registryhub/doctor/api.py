"""REST: `POST /api/v1/doctor` begins an examination, `GET /api/v1/doctor/<id>` says what was found. For staff."""

from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registryhub.doctor.checkups import begin_in_background
from registryhub.doctor.models import Checkup
from registryhub.rest import OnlyKnown, read_body


class FindingDocument(serializers.Serializer):
    """A hop or a check."""

    name = serializers.CharField()
    state = serializers.ChoiceField(["ok", "slow", "warning", "stopped", "skipped"])
    words = serializers.CharField(help_text="what was found")
    mend = serializers.CharField(help_text="what to do about it; empty when there is nothing to do")
    seconds = serializers.FloatField(allow_null=True, help_text="how long the hop took")


class CheckupDocument(serializers.ModelSerializer[Checkup]):
    """Findings come in one after the other while it is running."""

    state = serializers.ChoiceField(Checkup.State.choices)
    findings = FindingDocument(many=True)

    class Meta:
        model = Checkup
        fields = ("id", "state", "is_well", "started_at", "finished_at", "asked_by", "delivers", "findings")
        read_only_fields = fields


class CheckupOrder(OnlyKnown):
    """What is wanted."""

    delivers = serializers.BooleanField(default=False, help_text="whether each endpoint is sent a test event")


class CheckupsView(APIView):
    """Examinations."""

    @extend_schema(request=CheckupOrder, responses={202: CheckupDocument}, operation_id="doctor_create")
    def post(self, request: Request) -> Response:
        """Begin an examination, or join the one that is under way; ask for it until it is finished."""
        order = read_body(CheckupOrder, request)
        checkup = begin_in_background(request.user.get_username(), **order)
        return Response(CheckupDocument(checkup).data, status.HTTP_202_ACCEPTED)


class CheckupView(APIView):
    """One examination."""

    @extend_schema(responses=CheckupDocument, operation_id="doctor_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        """What was found so far."""
        return Response(CheckupDocument(get_object_or_404(Checkup, pk=pk)).data)


urlpatterns = [
    re_path(r"^doctor/?$", CheckupsView.as_view(), name="doctor"),
    re_path(r"^doctor/(?P<pk>[0-9]{1,18})/?$", CheckupView.as_view(), name="doctor-checkup"),
]
