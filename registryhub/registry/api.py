"""REST: `/api/v1/repositories` and `/api/v1/tags`. Everybody sees the repositories they may see."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.urls import re_path
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.analytics.questions import SourceNamed, SourceQuery
from notifications.analytics.scope import find_repository, find_source, repositories_of
from notifications.analytics.sheets import CsvRenderer
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import set_public
from registryhub.database.keyset import InvalidCursor, Page, next_link
from registryhub.oci.errors import OciError
from registryhub.registry import repositories
from registryhub.registry.contexts import context_of
from registryhub.registry.examples import REPOSITORIES_EXAMPLE, REPOSITORY_EXAMPLE, TAGS_EXAMPLE
from registryhub.registry.numbers import REPOSITORY_ORDERS, TAG_ORDERS, repository_page, repository_row, tag_page
from registryhub.rest import IF_NONE_MATCH, REFUSED, UNCHANGED, read_body, read_query

MAX_LIMIT = 1000
DELETING_SECONDS = 20.0
NUMBERS = ("pulls", "pushes", "checks", "last_pulled_at", "last_seen_at", "last_pushed_at")
WINDOW_NUMBERS = ("excluded", "bytes", "pullers", "pulls_24h", "pulls_7d", "pulls_30d", "pulls_90d")


class PageQuery(SourceQuery):
    search = serializers.CharField(default="", allow_blank=True, help_text="a part of the name")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=MAX_LIMIT)
    cursor = serializers.CharField(default="", allow_blank=True, help_text="from `next`")


class RepositoryQuery(PageQuery):
    ordering = serializers.ChoiceField(list(REPOSITORY_ORDERS), default="name", help_text="`-` for the largest first")


class TagQuery(PageQuery):
    repository = serializers.CharField()
    ordering = serializers.ChoiceField(list(TAG_ORDERS), default="name")


class Numbers(serializers.Serializer):
    """What docs/counting.md defines."""

    pulls = serializers.IntegerField()
    pushes = serializers.IntegerField()
    checks = serializers.IntegerField()
    last_pulled_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True, help_text="the last pull or check")
    last_pushed_at = serializers.DateTimeField(allow_null=True)


class RepositoryDocument(Numbers, SourceNamed):
    name = serializers.CharField()
    is_public = serializers.BooleanField()
    tags = serializers.IntegerField(help_text="how many this hub has")
    size = serializers.IntegerField(help_text="bytes of all blobs in the repository, each once")
    excluded = serializers.IntegerField(help_text="pulls that do not count")
    bytes = serializers.IntegerField(help_text="that were fetched")
    pullers = serializers.IntegerField(help_text="different clients of each day, added up")
    pulls_24h = serializers.IntegerField(help_text="in the window, as the leaderboards have it")
    pulls_7d = serializers.IntegerField()
    pulls_30d = serializers.IntegerField()
    pulls_90d = serializers.IntegerField()


class RepositoryChange(serializers.Serializer):
    is_public = serializers.BooleanField()


class RepositoryLeft(serializers.Serializer):
    detail = serializers.CharField()


class TagDocument(Numbers):
    name = serializers.CharField()
    digest = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes of the manifest")
    moved_at = serializers.DateTimeField(help_text="when it was last pushed")


class RepositoryList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = RepositoryDocument(many=True)


class TagList(serializers.Serializer):
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")
    results = TagDocument(many=True)


class RepositoriesView(APIView):
    """The repositories of a source with their numbers."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "repositories"
    csv_columns = ("name", "source", *NUMBERS, "tags", "size", "is_public", *WINDOW_NUMBERS)

    @extend_schema(
        parameters=[RepositoryQuery, IF_NONE_MATCH],
        responses={200: RepositoryList, 304: UNCHANGED, 404: REFUSED},
        examples=[REPOSITORIES_EXAMPLE],
        operation_id="repositories",
    )
    def get(self, request: Request) -> Response:
        """A page of repositories."""
        asked = read_query(RepositoryQuery, request)
        source = find_source(request.user, asked.pop("source"))
        try:
            page = repository_page(repositories_of(request.user, source), **asked)
        except InvalidCursor as error:
            raise serializers.ValidationError({"cursor": str(error)}) from error
        return _answer(request, page, RepositoryDocument)

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        results: Iterable[dict[str, Any]] = document["results"]
        return results


class RepositoryView(APIView):
    """One repository."""

    def get_permissions(self) -> Sequence[BasePermission]:
        return (AllowAny(),) if self.request.method in ("GET", "HEAD", "OPTIONS") else (IsAdminUser(),)

    @extend_schema(
        parameters=[SourceQuery, IF_NONE_MATCH],
        responses={200: RepositoryDocument, 304: UNCHANGED},
        examples=[REPOSITORY_EXAMPLE],
        operation_id="repository",
    )
    def get(self, request: Request, name: str) -> Response:
        """The repository with its numbers."""
        return Response(RepositoryDocument(repository_row(self._find(request, name).pk)).data)

    @extend_schema(
        parameters=[SourceQuery],
        request=RepositoryChange,
        responses=RepositoryDocument,
        operation_id="repository_change",
    )
    def patch(self, request: Request, name: str) -> Response:
        """Make it public or private."""
        repository = self._find(request, name)
        set_public(repository.pk, **read_body(RepositoryChange, request))
        return Response(RepositoryDocument(repository_row(repository.pk)).data)

    @extend_schema(
        parameters=[SourceQuery],
        responses={204: OpenApiResponse(description="It is gone."), 202: RepositoryLeft, 405: REFUSED},
        operation_id="repository_delete",
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete everything in a repository of this hub; its numbers stay. Answered 202 while something is left: what
        is huge takes several requests.
        """
        repository = self._find(request, name)
        if repository.source_id != HUB_SOURCE_ID:
            raise serializers.ValidationError({"source": "Only what is in this hub can be deleted."})
        try:
            is_gone = repositories.delete(
                context_of(request), repository.name, config=settings.HUB, seconds=DELETING_SECONDS
            )
        except OciError as error:
            raise _refusal(error) from error
        if is_gone:
            return Response(status=204)
        return Response({"detail": "Something is left; send the same request again."}, status=202)

    def _find(self, request: Request, name: str) -> Repository:
        source = find_source(request.user, read_query(SourceQuery, request)["source"])
        return find_repository(request.user, source, name)


class TagsView(APIView):
    """The tags of a repository."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "tags"
    csv_columns = ("name", "digest", "media_type", "size", "moved_at", *NUMBERS)

    @extend_schema(
        parameters=[TagQuery, IF_NONE_MATCH],
        responses={200: TagList, 304: UNCHANGED, 404: REFUSED},
        examples=[TAGS_EXAMPLE],
        operation_id="tags",
    )
    def get(self, request: Request) -> Response:
        """A page of tags."""
        asked = read_query(TagQuery, request)
        source = find_source(request.user, asked.pop("source"))
        repository = find_repository(request.user, source, asked.pop("repository"))
        try:
            page = tag_page(repository.pk, **asked)
        except InvalidCursor as error:
            raise serializers.ValidationError({"cursor": str(error)}) from error
        return _answer(request, page, TagDocument)

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        results: Iterable[dict[str, Any]] = document["results"]
        return results


urlpatterns = [
    re_path(r"^repositories/?$", conditional_page(RepositoriesView.as_view()), name="repositories"),
    re_path(r"^repositories/(?P<name>[^\x00\n]+?)/?$", conditional_page(RepositoryView.as_view()), name="repository"),
    re_path(r"^tags/?$", conditional_page(TagsView.as_view()), name="tags"),
]


def _refusal(error: OciError) -> APIException:
    """A rule's refusal, with its own status."""
    refusal = APIException(error.detail if isinstance(error.detail, str) else error.message, code=error.code.code)
    refusal.status_code = error.code.status
    return refusal


def _answer(request: Request, page: Page, document: type[serializers.Serializer]) -> Response:
    link = next_link(request.build_absolute_uri(), page)
    return Response({"next": link, "results": document(page.rows, many=True).data})
