"""What may be asked of the counters by REST, parsed into types with errors that name the parameter."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from notifications.analytics.series import DEFAULT_SPANS, GROUPINGS, Span
from notifications.analytics.spans import INTERVALS
from notifications.analytics.windows import WINDOWS

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.DateTimeField):
    """A moment in ISO 8601, or a date: its first moment, or with `is_end` the first moment after it."""

    def __init__(self, *, is_end: bool = False, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)
        self._is_end = is_end

    def to_internal_value(self, value: Any) -> datetime:
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            moment: datetime = super().to_internal_value(value)
        else:
            moment = datetime.combine(day, time(), UTC)
            if self._is_end and day < date.max:
                moment += timedelta(days=1)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise serializers.ValidationError(f"Years from {_FIRST_YEAR} to {_LAST_YEAR} are understood.")
        return moment.astimezone(UTC)


class SourceQuery(serializers.Serializer):
    """Whose numbers."""

    source = serializers.CharField(  # type: ignore[assignment]
        default="", allow_blank=True, help_text="the name of a source, this hub by default"
    )


class SourceNamed(serializers.Serializer):
    """For documents that say whose numbers they are."""

    source = serializers.CharField()  # type: ignore[assignment]


class StatsQuery(SourceQuery):
    """What is counted, and over which time."""

    repository = serializers.CharField(default="", allow_blank=True, help_text="all that you may see by default")
    tag = serializers.CharField(default="", allow_blank=True, help_text="all by default; needs `repository`")
    interval = serializers.ChoiceField(INTERVALS, default="day", help_text="length of a point, UTC; weeks from Monday")
    group_by = serializers.ChoiceField(
        GROUPINGS, required=False, help_text="`repository`, or with a repository `tag`: points of each of the leaders"
    )
    limit = serializers.IntegerField(default=10, min_value=1, max_value=50, help_text="how many groups")
    start = MomentField(required=False, help_text="moment or date; the point it falls into is the first")
    end = MomentField(is_end=True, required=False, help_text="moment (not included) or date (included); now by default")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["tag"] and not attrs["repository"]:
            raise serializers.ValidationError({"tag": "Name the repository too: repository=NAME&tag=TAG."})
        if attrs.get("group_by") == "tag" and (attrs["tag"] or not attrs["repository"]):
            raise serializers.ValidationError({"group_by": "Grouping by tag needs a repository, and no tag."})
        if attrs.get("group_by") == "repository" and attrs["repository"]:
            raise serializers.ValidationError({"group_by": "Grouping by repository goes without `repository`."})
        end = attrs["end"] = attrs.get("end") or timezone.now()
        attrs["start"] = attrs.get("start") or end - DEFAULT_SPANS[attrs["interval"]]
        if attrs["start"] >= end:
            raise serializers.ValidationError({"start": "The start must be before the end."})
        return attrs

    def span(self) -> Span:
        found = self.validated_data
        return Span(found["interval"], found["start"], found["end"])


class LeaderboardQuery(SourceQuery):
    """Which window, and how many lines."""

    window = serializers.ChoiceField(WINDOWS, default="7d", help_text="the last hours or days, UTC")
    limit = serializers.IntegerField(default=10, min_value=1, max_value=100)
