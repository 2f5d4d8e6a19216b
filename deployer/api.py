"""REST: services, which only superusers define, and deployments. Staff may look."""

from collections.abc import Callable
from typing import Any, cast

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import re_path
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import generics, serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployer.backtest import MOST_PUSHES, backtest
from deployer.definitions import define, delete
from deployer.documents import DefinedServiceDocument, DeploymentDetail, DeploymentDocument, ServiceDocument
from deployer.history import NotPossible, deploy_newest, retry, roll_back
from deployer.models import Deployment, Service
from deployer.specs import BadSettings
from registryhub.access.sealing import Unsealable
from registryhub.rest import REFUSED, LatestFirst


class Conflict(APIException):
    """What is asked for does not fit the state things are in."""

    status_code = status.HTTP_409_CONFLICT


class SuperusersDefine(BasePermission):
    """Whoever can define a service can become root on its host."""

    message = "Only superusers may define services."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in ("GET", "HEAD", "OPTIONS") or bool(request.user.is_superuser)


class MayDeploy(BasePermission):
    """Trying again and going back are for those who may change deployments."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("deployer.change_deployment")


class Services(APIView):
    """What a service's views share."""

    permission_classes = (IsAdminUser, SuperusersDefine)

    def save(self, document: ServiceDocument, service: Service) -> str:
        document.is_valid(raise_exception=True)
        try:
            return define(service, document.definition())
        except BadSettings as error:
            raise ValidationError({"settings": error.problems}) from error
        except Unsealable as error:
            raise Conflict(str(error)) from error


ServiceList = inline_serializer("ServiceList", {"results": ServiceDocument(many=True)})


class ServicesView(Services):
    """All services."""

    @extend_schema(responses=ServiceList, operation_id="services")
    def get(self, request: Request) -> Response:
        """All services by name."""
        services = Service.objects.order_by("name").prefetch_related("rules__source")
        return Response({"results": ServiceDocument(services, many=True).data})

    @extend_schema(
        request=ServiceDocument, responses={201: DefinedServiceDocument, 409: REFUSED}, operation_id="service_define"
    )
    def post(self, request: Request) -> Response:
        """Define a service."""
        service = Service()
        key = self.save(ServiceDocument(data=request.data), service)
        return Response({**ServiceDocument(service).data, "key": key}, status=status.HTTP_201_CREATED)


class ServiceView(Services):
    """One service."""

    @extend_schema(responses=ServiceDocument, operation_id="service")
    def get(self, request: Request, name: str) -> Response:
        """The service with its rules."""
        return Response(ServiceDocument(get_object_or_404(Service, name=name)).data)

    @extend_schema(
        request=ServiceDocument, responses={200: ServiceDocument, 409: REFUSED}, operation_id="service_change"
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change what is given; it takes effect with the next deployment."""
        service = get_object_or_404(Service, name=name)
        self.save(ServiceDocument(service, data=request.data, partial=True), service)
        return Response(ServiceDocument(service).data)

    @extend_schema(responses={204: None, 409: REFUSED}, operation_id="service_delete")
    def delete(self, request: Request, name: str) -> Response:
        """Forget the service and its history; its container goes on running."""
        try:
            delete(get_object_or_404(Service, name=name))
        except NotPossible as error:
            raise Conflict(str(error)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class TriedPush(serializers.Serializer[dict[str, Any]]):
    """A push of the past, and whether it would have been deployed."""

    seq = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
    repository = serializers.CharField()
    tag = serializers.CharField()
    digest = serializers.CharField()
    actor = serializers.CharField()
    matches = serializers.BooleanField()


BacktestDocument = inline_serializer(
    "Backtest",
    {"matched": serializers.IntegerField(), "tried": serializers.IntegerField(), "pushes": TriedPush(many=True)},
)


class BacktestView(Services):
    """The rules of a service against the past."""

    @extend_schema(
        parameters=[OpenApiParameter("limit", int, description=f"how many pushes to try, at most {MOST_PUSHES} (50)")],
        responses=BacktestDocument,
        operation_id="service_backtest",
    )
    def get(self, request: Request, name: str) -> Response:
        """Which of the latest pushes to its repositories the service's rules match."""
        limit = serializers.IntegerField(min_value=1, max_value=MOST_PUSHES).run_validation(
            request.query_params.get("limit", 50)
        )
        tried = backtest(get_object_or_404(Service, name=name), limit)
        pushes = [{**event._asdict(), "matches": rule is not None} for event, rule in tried]
        matched = sum(push["matches"] for push in pushes)
        return Response({"matched": matched, "tried": len(pushes), "pushes": [TriedPush(push).data for push in pushes]})


class DeployView(APIView):
    """By hand."""

    permission_classes = (IsAdminUser, MayDeploy)

    @extend_schema(request=None, responses={201: DeploymentDocument, 409: REFUSED}, operation_id="service_deploy")
    def post(self, request: Request, name: str) -> Response:
        """Deploy the newest push that the service's rules match."""
        service = get_object_or_404(Service, name=name)
        return _made(lambda: deploy_newest(service, cast(User, request.user)))


class DeploymentFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Which deployments to list."""

    service = django_filters.CharFilter(field_name="service__name")
    state = django_filters.MultipleChoiceFilter(choices=Deployment.State.choices)
    repository = django_filters.CharFilter()
    tag = django_filters.CharFilter()
    digest = django_filters.CharFilter()
    seq = django_filters.NumberFilter(method="filter_seq", label="number of a push in the log")

    def filter_seq(self, deployments: QuerySet[Deployment], name: str, value: int) -> QuerySet[Deployment]:
        return deployments.filter(first_seq__lte=value, last_seq__gte=value)


class DeploymentsView(generics.ListAPIView[Deployment]):
    """The latest deployments first."""

    queryset = Deployment.objects.select_related("service", "source", "requested_by").defer("logs")
    serializer_class = DeploymentDocument
    filterset_class = DeploymentFilter
    pagination_class = LatestFirst

    @extend_schema(operation_id="deployments")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of deployments."""
        return super().get(request, *args, **kwargs)


class DeploymentView(APIView):
    """One deployment."""

    @extend_schema(responses=DeploymentDetail, operation_id="deployment")
    def get(self, request: Request, pk: int) -> Response:
        """The deployment with its steps."""
        return Response(DeploymentDetail(get_object_or_404(Deployment, pk=pk)).data)


class RetryView(APIView):
    """Once more."""

    permission_classes = (IsAdminUser, MayDeploy)

    @extend_schema(request=None, responses={201: DeploymentDocument, 409: REFUSED}, operation_id="deployment_retry")
    def post(self, request: Request, pk: int) -> Response:
        """Deploy the same image again."""
        deployment = get_object_or_404(Deployment, pk=pk)
        return _made(lambda: retry(deployment, cast(User, request.user)))


class RollBackView(APIView):
    """Back."""

    permission_classes = (IsAdminUser, MayDeploy)

    @extend_schema(request=None, responses={201: DeploymentDocument, 409: REFUSED}, operation_id="deployment_rollback")
    def post(self, request: Request, pk: int) -> Response:
        """Deploy what ran before this deployment."""
        deployment = get_object_or_404(Deployment, pk=pk)
        return _made(lambda: roll_back(deployment, cast(User, request.user)))


def _made(act: Callable[[], Deployment]) -> Response:
    try:
        made = act()
    except NotPossible as error:
        raise Conflict(str(error)) from error
    return Response(DeploymentDocument(made).data, status=status.HTTP_201_CREATED)


_NAME = "(?P<name>[a-z0-9-]{1,63})"
_PK = "(?P<pk>[0-9]{1,18})"

urlpatterns = [
    re_path(r"^services/?$", ServicesView.as_view()),
    re_path(rf"^services/{_NAME}/?$", ServiceView.as_view()),
    re_path(rf"^services/{_NAME}/backtest/?$", BacktestView.as_view()),
    re_path(rf"^services/{_NAME}/deploy/?$", DeployView.as_view()),
    re_path(r"^deployments/?$", DeploymentsView.as_view()),
    re_path(rf"^deployments/{_PK}/?$", DeploymentView.as_view()),
    re_path(rf"^deployments/{_PK}/retry/?$", RetryView.as_view()),
    re_path(rf"^deployments/{_PK}/rollback/?$", RollBackView.as_view()),
]
