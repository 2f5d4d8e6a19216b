"""REST: rules of retention and their runs, immutable tags, quotas. Staff may look; who may change rows may change."""

from functools import partial
from typing import Any

from django.db import transaction
from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from registryhub.database.keyset import InvalidCursor
from registryhub.registry.keeping import changes
from registryhub.registry.keeping.documents import (
    ImmutableRuleDocument,
    PreviewQuery,
    QuotaDocument,
    RetentionRuleDocument,
    RetentionRunDocument,
    TriedRuleDocument,
    VerdictDocument,
    VerdictList,
)
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from registryhub.registry.keeping.preview import preview
from registryhub.registry.keeping.runs import TASK, request_run
from registryhub.registry.keeping.verdicts import Rule, load_rules, read_rule, with_rule
from registryhub.rest import LatestFirst, Pages, read_query
from registryhub.workers import wake


class ByName(Pages):
    """Rules and quotas are few, but nobody says how few."""

    ordering = "name"


class ByNamespace(ByName):
    ordering = "namespace"


class Keeping(generics.GenericAPIView):
    """What the views share: who may do what, and the verbs by which rows change."""

    permission_classes = (IsAdminUser, DjangoModelPermissions)

    def perform_create(self, document: Any) -> None:
        self._save(document, document.Meta.model())

    def perform_update(self, document: Any) -> None:
        self._save(document, document.instance)

    def perform_destroy(self, row: changes.Row) -> None:
        changes.remove(row)

    def _save(self, document: Any, row: changes.Row) -> None:
        for name, value in document.validated_data.items():
            setattr(row, name, value)
        changes.save(row)
        document.instance = row


class RetentionRulesView(Keeping, generics.ListCreateAPIView[RetentionRule]):
    """Rules of retention by name."""

    queryset = RetentionRule.objects.all()
    serializer_class = RetentionRuleDocument
    pagination_class = ByName


class RetentionRuleView(Keeping, generics.RetrieveUpdateDestroyAPIView[RetentionRule]):
    """A rule of retention."""

    queryset = RetentionRule.objects.all()
    serializer_class = RetentionRuleDocument


class PreviewView(APIView):
    """What rules would do. Nothing is deleted by it."""

    permission_classes = (IsAdminUser,)

    @extend_schema(parameters=[PreviewQuery], responses=VerdictList, operation_id="retention_preview")
    def get(self, request: Request) -> Response:
        """A page of the verdicts of the enabled rules, by repository and newest first."""
        return self._answer(request, load_rules())

    @extend_schema(
        parameters=[PreviewQuery],
        request=TriedRuleDocument,
        responses={200: VerdictList},
        operation_id="retention_preview_rule",
    )
    def post(self, request: Request) -> Response:
        """The same with one more rule, which need not be saved."""
        document = TriedRuleDocument(data=request.data)
        document.is_valid(raise_exception=True)
        tried = read_rule(document.row(document.validated_data))
        return self._answer(request, with_rule(load_rules(), tried))

    def _answer(self, request: Request, rules: tuple[Rule, ...]) -> Response:
        asked = read_query(PreviewQuery, request)
        is_kept = {"all": None, "keep": True, "delete": False}[asked["verdict"]]
        try:
            page = preview(rules, is_kept=is_kept, cursor=asked["cursor"], limit=asked["limit"])
        except InvalidCursor as error:
            raise serializers.ValidationError({"cursor": str(error)}) from error
        link = replace_query_param(request.build_absolute_uri(), "cursor", page.cursor) if page.cursor else None
        return Response({"next": link, "results": VerdictDocument(list(page.verdicts), many=True).data})


class RetentionRunsView(generics.ListAPIView[RetentionRun]):
    """Runs of retention, the latest first."""

    permission_classes = (IsAdminUser, DjangoModelPermissions)
    queryset = RetentionRun.objects.all()
    serializer_class = RetentionRunDocument
    pagination_class = LatestFirst

    @extend_schema(request=None, responses={202: RetentionRunDocument}, operation_id="retention_run_request")
    def post(self, request: Request) -> Response:
        """Apply the enabled rules now; a worker carries it out."""
        with transaction.atomic():
            run = request_run(request.user.get_username())
            transaction.on_commit(partial(wake, TASK))
        return Response(RetentionRunDocument(run).data, status=status.HTTP_202_ACCEPTED)


class ImmutableRulesView(Keeping, generics.ListCreateAPIView[ImmutableRule]):
    """Rules of immutable tags by name."""

    queryset = ImmutableRule.objects.all()
    serializer_class = ImmutableRuleDocument
    pagination_class = ByName


class ImmutableRuleView(Keeping, generics.RetrieveUpdateDestroyAPIView[ImmutableRule]):
    """A rule of immutable tags."""

    queryset = ImmutableRule.objects.all()
    serializer_class = ImmutableRuleDocument


class QuotasView(Keeping, generics.ListCreateAPIView[Quota]):
    """Quotas by namespace."""

    queryset = Quota.objects.all()
    serializer_class = QuotaDocument
    pagination_class = ByNamespace


class QuotaView(Keeping, generics.RetrieveUpdateDestroyAPIView[Quota]):
    """The quota of a namespace."""

    queryset = Quota.objects.all()
    serializer_class = QuotaDocument


_ID = r"(?P<pk>[0-9]{1,18})"
urlpatterns = [
    re_path(r"^retention-rules/?$", RetentionRulesView.as_view(), name="retention-rules"),
    re_path(r"^retention-rules/preview/?$", PreviewView.as_view(), name="retention-preview"),
    re_path(rf"^retention-rules/{_ID}/?$", RetentionRuleView.as_view(), name="retention-rule"),
    re_path(r"^retention-runs/?$", RetentionRunsView.as_view(), name="retention-runs"),
    re_path(r"^immutable-rules/?$", ImmutableRulesView.as_view(), name="immutable-rules"),
    re_path(rf"^immutable-rules/{_ID}/?$", ImmutableRuleView.as_view(), name="immutable-rule"),
    re_path(r"^quotas/?$", QuotasView.as_view(), name="quotas"),
    re_path(rf"^quotas/{_ID}/?$", QuotaView.as_view(), name="quota"),
]
