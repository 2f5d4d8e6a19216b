"""REST: the endpoints with their state and backlog, and making, changing, stopping and deleting them.

Staff may look, pause and resume; the rest, skipping among it, needs the permission that the admin asks for too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.delivery.backlog import measure_backlogs
from notifications.delivery.definitions.changes import (
    Configured,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)
from notifications.delivery.definitions.pauses import Skipped, pause_endpoint, resume_endpoint, skip_and_resume
from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.models import Endpoint
from notifications.delivery.rest.endpoint_documents import (
    EndpointDetail,
    EndpointDocument,
    MadeEndpoint,
    ResumedEndpoint,
)
from registryhub.access.sealing import Unsealable
from registryhub.config.durations import parse_duration
from registryhub.rest import OnlyKnown, read_body, read_object

_VERBS = {"POST": "add", "PATCH": "change", "DELETE": "delete"}
_SETTINGS: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "description": "The keys of an endpoint in config.yml, but neither proxy nor files of tls.",
        "properties": {
            "name": {"type": "string"},
            "url": {"type": "string"},
            "headers": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "timeout": {"type": "string", "example": "5s"},
            "face": {"type": "string", "example": "standard"},
            "start": {"type": "string", "enum": ["head", "oldest"], "description": "of a new one: its first event"},
        },
        "additionalProperties": True,
        "example": {"name": "ci", "url": "https://ci.example.org/hook", "ignore": {"actions": ["pull"]}},
    }
}


class Conflict(APIException):
    """What is asked for does not fit the endpoint."""

    status_code = status.HTTP_409_CONFLICT


class MayDefine(BasePermission):
    """Whoever defines an endpoint decides who is told what is pushed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        verb = getattr(view, "verb", None) or _VERBS.get(request.method or "")
        return verb is None or request.user.has_perm(f"delivery.{verb}_endpoint")


@contextmanager
def refusals() -> Iterator[None]:
    """What the verbs raise, as answers."""
    try:
        yield
    except BadEndpoint as error:
        raise ValidationError(error.problems) from error
    except (Configured, Unsealable) as error:
        raise Conflict(str(error)) from error
    except Endpoint.DoesNotExist as error:
        raise NotFound from error


def _context(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    return {"backlogs": measure_backlogs([endpoint]), **more}


def _detail(endpoint: Endpoint) -> Response:
    return Response(EndpointDetail(endpoint, context=_context(endpoint)).data)


def _made(endpoint: Endpoint, secret: str, code: int = status.HTTP_200_OK) -> Response:
    return Response(MadeEndpoint(endpoint, context=_context(endpoint, secret=secret)).data, status=code)


EndpointList = inline_serializer("EndpointList", {"results": EndpointDocument(many=True)})


class EndpointsView(APIView):
    """Webhook endpoints."""

    permission_classes = (IsAdminUser, MayDefine)

    @extend_schema(responses=EndpointList, operation_id="endpoints")
    def get(self, request: Request) -> Response:
        """All endpoints by name, with state, position and backlog."""
        endpoints = list(Endpoint.objects.order_by("name"))
        documents = EndpointDocument(endpoints, many=True, context={"backlogs": measure_backlogs(endpoints)})
        return Response({"results": documents.data})

    @extend_schema(request=_SETTINGS, responses={201: MadeEndpoint}, operation_id="endpoint_create")
    def post(self, request: Request) -> Response:
        """Make an endpoint. Its first event is the next one, or with `start: oldest` the oldest in the log."""
        document = dict(read_object(request))
        start = document.pop("start", "head")
        if start not in ("head", "oldest"):
            raise ValidationError({"start": "must be head or oldest"})
        with refusals():
            return _made(*create_endpoint(document, start=start), status.HTTP_201_CREATED)


class EndpointView(APIView):
    """One endpoint."""

    permission_classes = (IsAdminUser, MayDefine)

    @extend_schema(responses=EndpointDetail, operation_id="endpoint")
    def get(self, request: Request, pk: int) -> Response:
        """The endpoint with state, position and backlog."""
        return _detail(get_object_or_404(Endpoint, pk=pk))

    @extend_schema(request=_SETTINGS, responses=EndpointDetail, operation_id="endpoint_change")
    def patch(self, request: Request, pk: int) -> Response:
        """Change the settings that are named; null takes one away. It takes effect within moments."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        with refusals():
            secret = change_endpoint(endpoint, read_object(request))
        return _made(endpoint, secret) if secret else _detail(endpoint)

    @extend_schema(responses={204: None}, operation_id="endpoint_delete")
    def delete(self, request: Request, pk: int) -> Response:
        """Forget the endpoint, its history and its place in the log."""
        with refusals():
            delete_endpoint(get_object_or_404(Endpoint, pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PauseView(APIView):
    """Stopping an endpoint."""

    @extend_schema(request=None, responses=EndpointDetail, operation_id="endpoint_pause")
    def post(self, request: Request, pk: int) -> Response:
        """Send nothing more to the endpoint; its events wait in the log."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        pause_endpoint(endpoint)
        return _detail(endpoint)


class ResumeOrder(OnlyKnown):
    """What becomes of what waited."""

    waiting = serializers.ChoiceField(choices=["send", "skip"], default="send")


class ResumeView(APIView):
    """Restarting an endpoint."""

    @extend_schema(request=ResumeOrder, responses=ResumedEndpoint, operation_id="endpoint_resume")
    def post(self, request: Request, pk: int) -> Response:
        """Go on where the endpoint was paused or disabled by the hub, or with `waiting: skip` at the head of the log.

        The next attempt is made at once.
        """
        order = read_body(ResumeOrder, request)
        endpoint = get_object_or_404(Endpoint, pk=pk)
        skipped = Skipped()
        if order["waiting"] == "skip":
            if not request.user.has_perm("delivery.change_endpoint"):
                raise PermissionDenied("Skipping what waited needs the permission to change endpoints.")
            skipped = skip_and_resume(endpoint, by=request.user.get_username())
        else:
            resume_endpoint(endpoint)
        return Response(ResumedEndpoint(endpoint, context=_context(endpoint, skipped=skipped)).data)


class RotateOrder(OnlyKnown):
    """How long the old secrets go on signing beside the new one."""

    overlap = serializers.CharField(default="24h", help_text="such as 24h; 0s: they stop at once")

    def validate_overlap(self, value: str) -> float:
        try:
            return parse_duration(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class RotateView(APIView):
    """Replacing what signs."""

    permission_classes = (IsAdminUser, MayDefine)
    verb = "change"

    @extend_schema(request=RotateOrder, responses=MadeEndpoint, operation_id="endpoint_rotate_secret")
    def post(self, request: Request, pk: int) -> Response:
        """A new secret, which signs from now on and is shown this once."""
        order = read_body(RotateOrder, request)
        endpoint = get_object_or_404(Endpoint, pk=pk)
        with refusals():
            secret = rotate_secret(endpoint, overlap_seconds=order["overlap"])
        return _made(endpoint, secret)


_ONE = r"^endpoints/(?P<pk>[0-9]{1,18})"

urlpatterns = [
    re_path(r"^endpoints/?$", EndpointsView.as_view()),
    re_path(rf"{_ONE}/?$", EndpointView.as_view()),
    re_path(rf"{_ONE}/pause/?$", PauseView.as_view()),
    re_path(rf"{_ONE}/resume/?$", ResumeView.as_view()),
    re_path(rf"{_ONE}/rotate-secret/?$", RotateView.as_view()),
]
