"""REST: `/api/v1/stats` and `/api/v1/leaderboards/<board>`. Everybody sees the numbers of what they may see."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.urls import re_path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.analytics.boards import BOARDS
from notifications.analytics.classify import RULE_VERSION
from notifications.analytics.questions import LeaderboardQuery, SourceNamed, StatsQuery
from notifications.analytics.scope import find_repository, find_source, repositories_of
from notifications.analytics.series import Point, TooManyPoints, grouped, series
from notifications.analytics.sheets import CsvRenderer
from notifications.analytics.spans import INTERVALS
from notifications.analytics.windows import WINDOWS, window_start
from registryhub.access.models import Repository, Source


class PointDocument(serializers.Serializer):
    start = serializers.DateTimeField(default_timezone=UTC)
    pulls = serializers.IntegerField()
    checks = serializers.IntegerField()
    pushes = serializers.IntegerField()


class GroupDocument(serializers.Serializer):
    name = serializers.CharField(help_text="of the tag or repository")
    points = PointDocument(many=True)


class StatsDocument(SourceNamed):
    """`points` is absent when groups are asked for, `groups` when they are not."""

    repository = serializers.CharField(help_text="empty: all that you may see")
    tag = serializers.CharField(help_text="empty: all together")
    interval = serializers.ChoiceField(INTERVALS)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    rule = serializers.IntegerField(help_text="version of the counting rules")
    totals = serializers.DictField(child=serializers.IntegerField(), required=False)
    points = PointDocument(many=True, required=False)
    groups = GroupDocument(many=True, required=False)


class StatsView(APIView):
    """Counts over time."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "stats"
    csv_columns = ("name", "start", "pulls", "checks", "pushes")

    @extend_schema(parameters=[StatsQuery], responses=StatsDocument, operation_id="stats")
    def get(self, request: Request) -> Response:
        """Pulls, checks and pushes by hour, day, week or month."""
        query = StatsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        source = find_source(request.user, asked["source"])
        repositories = _asked_repositories(request, source, asked["repository"])
        document = {name: asked[name] for name in ("repository", "tag", "interval")}
        document |= {"source": source.name, "start": query.span().first, "end": asked["end"], "rule": RULE_VERSION}
        try:
            if "group_by" in asked:
                groups = grouped(repositories, asked["group_by"], query.span(), asked["limit"])
                return Response(document | {"groups": [asdict(group) for group in groups]})
            return Response(document | _sum_up(series(repositories, asked["tag"], query.span())))
        except TooManyPoints as error:
            raise serializers.ValidationError({"interval": str(error)}) from error

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        if "groups" in document:
            return [{"name": group["name"], **point} for group in document["groups"] for point in group["points"]]
        name = f"{document['repository']}:{document['tag']}" if document["tag"] else document["repository"]
        return [{"name": name, **point} for point in document["points"]]


class PlaceDocument(SourceNamed):
    rank = serializers.IntegerField()
    repository = serializers.CharField()
    pulls = serializers.IntegerField()


class LeaderboardDocument(SourceNamed):
    board = serializers.CharField()
    window = serializers.ChoiceField(WINDOWS)
    since = serializers.DateTimeField(allow_null=True, help_text="what happened before is not counted")
    rule = serializers.IntegerField(help_text="version of the counting rules")
    results = PlaceDocument(many=True)


class LeaderboardView(APIView):
    """Who leads."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "leaderboard"
    csv_columns = ("rank", "repository", "source", "pulls")

    @extend_schema(parameters=[LeaderboardQuery], responses=LeaderboardDocument, operation_id="leaderboard")
    def get(self, request: Request, board: str) -> Response:
        """The repositories that lead a board, `most-pulled` for now; ties are in the order of their names."""
        name = board.replace("_", "-")
        if name not in BOARDS:
            raise NotFound(f"There is no board {board!r}; there are: {', '.join(BOARDS)}.")
        query = LeaderboardQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        window = query.validated_data["window"]
        source = find_source(request.user, query.validated_data["source"])
        now = timezone.now()
        places = BOARDS[name](repositories_of(request.user, source), window, now, query.validated_data["limit"])
        document = {"board": name, "window": window, "source": source.name, "since": window_start(window, now)}
        return Response(document | {"rule": RULE_VERSION, "results": [asdict(place) for place in places]})

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        results: Iterable[dict[str, Any]] = document["results"]
        return results


urlpatterns = [
    re_path(r"^stats/?$", StatsView.as_view(), name="stats"),
    re_path(r"^leaderboards/(?P<board>[a-z_-]+)/?$", LeaderboardView.as_view(), name="leaderboard"),
]


def _asked_repositories(request: Request, source: Source, name: str) -> QuerySet[Repository]:
    if not name:
        return repositories_of(request.user, source)
    return Repository.objects.filter(pk=find_repository(request.user, source, name).pk)


def _sum_up(points: Sequence[Point]) -> dict[str, Any]:
    totals = {name: sum(getattr(point, name) for point in points) for name in ("pulls", "checks", "pushes")}
    return {"totals": totals, "points": [asdict(point) for point in points]}
