"""REST: `/api/v1/stats` and `/api/v1/leaderboards/<board>`. Everybody sees the numbers of what they may see."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any

from django.urls import re_path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.analytics.boards import Board, Line, boards, read_board
from notifications.analytics.documents import (
    BOARD_EXAMPLE,
    STATS_EXAMPLE,
    BoardList,
    LeaderboardDocument,
    StatsDocument,
)
from notifications.analytics.explain import events_link, explain
from notifications.analytics.questions import LeaderboardQuery, StatsQuery
from notifications.analytics.scope import Scope, find_repositories, find_source, scope_of
from notifications.analytics.series import Group, Point, Question, read_groups
from notifications.analytics.sheets import CsvRenderer
from notifications.analytics.spans import TooManyPoints
from notifications.analytics.unchanged import answered_once
from notifications.analytics.values import VALUES
from registryhub.access.models import Source
from registryhub.access.visibility import sees_everything
from registryhub.rest import IF_NONE_MATCH, REFUSED, UNCHANGED


class StatsView(APIView):
    """Counts over time."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "stats"
    csv_columns = ("name", "start", *VALUES)

    @extend_schema(
        parameters=[StatsQuery, IF_NONE_MATCH],
        responses={200: StatsDocument, 304: UNCHANGED, 403: REFUSED, 404: REFUSED},
        operation_id="stats",
        examples=[STATS_EXAMPLE],
    )
    @answered_once
    def get(self, request: Request) -> Response:
        """Pulls, checks, pushes and more by hour, day, week or month, of all or of whatever they are grouped by."""
        query, scope = self._asked
        asked = query.validated_data
        by = asked.get("group_by", "")
        limit = max(asked["limit"], len(asked["repository"]))
        try:
            groups = read_groups(Question(scope, query.span(), query.only(), by, limit))
        except TooManyPoints as error:
            raise serializers.ValidationError({"interval": str(error)}) from error
        document = self._head(request) | explain(request, self._source, asked["repository"], query.span())
        if by:
            return Response(document | {"groups": [_group(group) | {"name": group.name} for group in groups]})
        return Response(document | _group(groups[0]))

    def check(self, request: Request) -> None:
        """Who may not ask is refused, whatever they know."""
        query = StatsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        if query.is_about_actors() and not sees_everything(request.user):
            raise PermissionDenied("Who it was is told to staff only.")
        self._source = None if asked.get("group_by") == "source" else find_source(request.user, asked["source"])
        self._asked = query, self._scope(request, asked["repository"])

    def _scope(self, request: Request, names: Sequence[str]) -> Scope:
        if not names or self._source is None:
            return scope_of(request.user, self._source)
        return Scope(tuple(found.pk for found in find_repositories(request.user, self._source, names)))

    def _head(self, request: Request) -> dict[str, Any]:
        query, _ = self._asked
        asked, only = query.validated_data, query.only()
        return {
            "source": self._source.name if self._source else "",
            "repository": ",".join(asked["repository"]),
            "tag": only.pop("tag", ""),
            "only": only,
            "group_by": asked.get("group_by", ""),
            "interval": asked["interval"],
            "start": query.span().first,
            "end": asked["end"],
        }

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        if "groups" in document:
            return [{"name": group["name"], **point} for group in document["groups"] for point in group["points"]]
        name = f"{document['repository']}:{document['tag']}" if document["tag"] else document["repository"]
        return [{"name": name, **point} for point in document["points"]]


class BoardsView(APIView):
    """Which boards there are."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=BoardList, operation_id="leaderboards")
    def get(self, request: Request) -> Response:
        """By name, with the windows each one has."""
        found = [
            {"board": board.name, "title": board.title, "unit": board.unit, "windows": list(board.windows)}
            for board in boards().values()
            if _may_see(request, board)
        ]
        return Response({"results": found})


class LeaderboardView(APIView):
    """Who leads."""

    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer, CsvRenderer)
    csv_name = "leaderboard"
    csv_columns = ("rank", "repository", "source", "actor", "value", "pulls", "excluded", "last_pushed_at")

    @extend_schema(
        parameters=[LeaderboardQuery, IF_NONE_MATCH],
        responses={200: LeaderboardDocument, 304: UNCHANGED},
        operation_id="leaderboard",
        examples=[BOARD_EXAMPLE],
    )
    @answered_once
    def get(self, request: Request, board: str) -> Response:
        """Who leads a board; ties are in the order of their names."""
        found, source, query = self._asked
        window = query["window"]
        asked, lines = read_board(found, scope_of(request.user, source), window, timezone.now(), query["limit"])
        document = {"board": found.name, "title": found.title, "unit": found.unit, "window": window}
        document |= {"source": source.name, "since": asked.since, **explain(request, source, (), None)}
        return Response(document | {"results": [_line(request, source, line) for line in lines]})

    def check(self, request: Request, board: str) -> None:
        """Who may not ask is refused, whatever they know."""
        found = find_board(request, board)
        query = LeaderboardQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        if query.validated_data["window"] not in found.windows:
            raise serializers.ValidationError({"window": f"{found.name} has {', '.join(found.windows)}."})
        self._asked = found, find_source(request.user, query.validated_data["source"]), query.validated_data

    def csv_rows(self, document: dict[str, Any]) -> Iterable[dict[str, Any]]:
        results: Iterable[dict[str, Any]] = document["results"]
        return results


urlpatterns = [
    re_path(r"^stats/?$", StatsView.as_view(), name="stats"),
    re_path(r"^leaderboards/?$", BoardsView.as_view(), name="leaderboards"),
    re_path(r"^leaderboards/(?P<board>[a-z_-]+)/?$", LeaderboardView.as_view(), name="leaderboard"),
]


def find_board(request: Request, name: str) -> Board:
    """Under both spellings of its name. Raises NotFound, the same for what is for staff only."""
    known = {board.name: board for board in boards().values() if _may_see(request, board)}
    found = known.get(name.replace("_", "-"))
    if found is None:
        raise NotFound(f"There is no board {name!r}; there are: {', '.join(known)}.")
    return found


def _may_see(request: Request, board: Board) -> bool:
    return sees_everything(request.user) or not board.is_for_staff


_POINT = tuple(each.name for each in fields(Point))
_members = attrgetter(*_POINT)


def _group(group: Group) -> dict[str, Any]:
    points = [dict(zip(_POINT, _members(point), strict=True)) for point in group.points]
    known = {name: [point[name] for point in points if point[name] is not None] for name in VALUES}
    return {"totals": {name: sum(counts) if counts else None for name, counts in known.items()}, "points": points}


def _line(request: Request, source: Source, line: Line) -> dict[str, Any]:
    found = asdict(line)
    del found["repository_id"]
    names = (line.repository,) if line.repository else ()
    return found | {"source": line.source or source.name, "events": events_link(request, source, names)}
