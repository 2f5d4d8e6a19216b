"""What the numbers look like in answers of the REST API, with examples for the schema."""

from datetime import UTC

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from notifications.analytics.questions import SourceNamed
from notifications.analytics.spans import INTERVALS
from notifications.analytics.windows import WINDOWS


class CountsDocument(serializers.Serializer):
    """What docs/counting.md defines; null is what is not known at this place."""

    pulls = serializers.IntegerField()
    checks = serializers.IntegerField()
    pushes = serializers.IntegerField()
    excluded = serializers.IntegerField(allow_null=True, help_text="pulls that do not count")
    bytes = serializers.IntegerField(allow_null=True)
    pullers = serializers.IntegerField(allow_null=True, help_text="of each day, added up; not by hour")
    requests = serializers.IntegerField(allow_null=True, help_text="where actions and clients are asked for")


class PointDocument(CountsDocument):
    start = serializers.DateTimeField(default_timezone=UTC)


class GroupDocument(serializers.Serializer):
    name = serializers.CharField(help_text="of the tag, repository or what is grouped by; may be empty: not known")
    totals = CountsDocument()
    points = PointDocument(many=True)


class Explained(serializers.Serializer):
    """How its numbers come about."""

    rule = serializers.IntegerField(help_text="version of the counting rules")
    rules = serializers.CharField(help_text="where they are written")
    counted_to = serializers.IntegerField(help_text="number of the last event that is counted")
    events = serializers.CharField(help_text="the events behind the numbers, as far as the log still has them")


class StatsDocument(Explained, SourceNamed):
    """`points` is absent when groups are asked for, `groups` when they are not."""

    repository = serializers.CharField(help_text="empty: all that you may see; several separated by commas")
    tag = serializers.CharField(help_text="empty: all together")
    only = serializers.DictField(child=serializers.CharField(), help_text="what was asked for beside these")
    group_by = serializers.CharField(help_text="empty: nothing")
    interval = serializers.ChoiceField(INTERVALS)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    totals = CountsDocument(required=False)
    points = PointDocument(many=True, required=False)
    groups = GroupDocument(many=True, required=False)


class LineDocument(SourceNamed):
    rank = serializers.IntegerField()
    repository = serializers.CharField(help_text="empty on boards of actors")
    actor = serializers.CharField(help_text="only on boards of actors")
    value = serializers.IntegerField(help_text="what the board is about, in its unit")
    pulls = serializers.IntegerField(help_text="in the window")
    excluded = serializers.IntegerField(help_text="pulls in the window that do not count")
    last_pushed_at = serializers.DateTimeField(allow_null=True)
    events = serializers.CharField(help_text="the events behind the line")


class LeaderboardDocument(Explained, SourceNamed):
    board = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField(help_text="of the values")
    window = serializers.ChoiceField(WINDOWS)
    since = serializers.DateTimeField(allow_null=True, help_text="what happened before is not counted")
    results = LineDocument(many=True)


class BoardDocument(serializers.Serializer):
    board = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField()
    windows = serializers.ListField(child=serializers.CharField())


class BoardList(serializers.Serializer):
    results = BoardDocument(many=True)


_COUNTS = {"pulls": 1204, "checks": 310, "pushes": 2, "excluded": 96, "bytes": 918_400_211, "pullers": 37}
_EXPLAINED = {"rule": 1, "rules": "http://127.0.0.1:5000/counting", "counted_to": 18_401_703}

STATS_EXAMPLE = OpenApiExample(
    "A day of a repository",
    {
        "source": "hub",
        "repository": "platform/api",
        "tag": "",
        "only": {},
        "group_by": "",
        "interval": "day",
        "start": "2026-11-24T00:00:00Z",
        "end": "2026-11-25T00:00:00Z",
        **_EXPLAINED,
        "events": "http://127.0.0.1:5000/api/v1/events?source=hub&repository=platform%2Fapi",
        "totals": {**_COUNTS, "requests": None},
        "points": [{"start": "2026-11-24T00:00:00Z", **_COUNTS, "requests": None}],
    },
    response_only=True,
)
BOARD_EXAMPLE = OpenApiExample(
    "The first line of the most pulled",
    {
        "board": "most-pulled",
        "title": "Most pulled",
        "unit": "pulls",
        "window": "7d",
        "since": "2026-11-18T00:00:00Z",
        "source": "hub",
        **_EXPLAINED,
        "events": "http://127.0.0.1:5000/api/v1/events?source=hub",
        "results": [
            {
                "rank": 1,
                "source": "hub",
                "repository": "platform/api",
                "actor": "",
                "value": 1204,
                "pulls": 1204,
                "excluded": 96,
                "last_pushed_at": "2026-11-24T09:12:00Z",
                "events": "http://127.0.0.1:5000/api/v1/events?source=hub&repository=platform%2Fapi",
            }
        ],
    },
    response_only=True,
)
