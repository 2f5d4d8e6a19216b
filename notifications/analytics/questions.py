"""What may be asked of the counters by REST, parsed into types with errors that name the parameter."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from notifications.analytics.series import GROUPINGS, KEYS
from notifications.analytics.spans import DEFAULT_SPANS, INTERVALS, Span
from notifications.analytics.tables import USE
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


_ACTIONS = "`pull_tag`, `pull_digest`, `version_check`, `referrer`, `push`, `fetch`, `blob` or `mount`"
_AUDIENCES = "`unknown`, `ci`, `scanner`, `mirror`, `internal` or `deploy`"


class StatsQuery(SourceQuery):
    """What is counted, and over which time."""

    repository = serializers.ListField(
        child=serializers.CharField(),
        default=list,
        max_length=50,
        help_text="all that you may see by default; several, to compare them: `repository=a&repository=b`",
    )
    tag = serializers.CharField(default="", allow_blank=True, help_text="all by default; needs `repository`")
    digest = serializers.CharField(default="", allow_blank=True, help_text="of a manifest; needs `repository`")
    action = serializers.CharField(default="", allow_blank=True, help_text=_ACTIONS)
    audience = serializers.CharField(default="", allow_blank=True, help_text=_AUDIENCES)
    client = serializers.CharField(default="", allow_blank=True, help_text="such as `docker` or `containerd`")
    platform = serializers.CharField(default="", allow_blank=True, help_text="such as `linux/arm64`")
    actor = serializers.CharField(default="", allow_blank=True, help_text="who it was, for staff")
    interval = serializers.ChoiceField(INTERVALS, default="day", help_text="length of a point, UTC; weeks from Monday")
    group_by = serializers.ChoiceField(
        GROUPINGS, required=False, help_text="points of each of the leaders; `tag` and `digest` within one repository"
    )
    limit = serializers.IntegerField(default=10, min_value=1, max_value=50, help_text="how many groups")
    start = MomentField(required=False, help_text="moment or date; the point it falls into is the first")
    end = MomentField(is_end=True, required=False, help_text="moment (not included) or date (included); now by default")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs["repository"]) > 1:
            attrs.setdefault("group_by", "repository")
        _refuse_what_is_not_counted(attrs)
        end = attrs["end"] = attrs.get("end") or timezone.now()
        attrs["start"] = attrs.get("start") or end - DEFAULT_SPANS[attrs["interval"]]
        if attrs["start"] >= end:
            raise serializers.ValidationError({"start": "The start must be before the end."})
        return attrs

    def span(self) -> Span:
        """What was asked for."""
        found = self.validated_data
        return Span(found["interval"], found["start"], found["end"])

    def only(self) -> dict[str, str]:
        """What the keys must be."""
        return {name: self.validated_data[name] for name in KEYS if self.validated_data[name]}

    def is_about_actors(self) -> bool:
        """Which is for staff."""
        return bool(self.validated_data["actor"] or self.validated_data.get("group_by") == "actor")


def _refuse_what_is_not_counted(attrs: dict[str, Any]) -> None:
    """Together, that is: each table of counters has only some of the keys."""
    by = attrs.get("group_by", "")
    names = {name for name in KEYS if attrs[name]} | {by}
    for name in ("tag", "digest"):
        if attrs[name] and not attrs["repository"]:
            raise serializers.ValidationError({name: f"Name the repository too: repository=NAME&{name}=…"})
        if by == name and (attrs[name] or len(attrs["repository"]) != 1):
            raise serializers.ValidationError({"group_by": f"Grouping by {name} needs one repository, and no {name}."})
    if by == "repository" and len(attrs["repository"]) == 1:
        raise serializers.ValidationError({"group_by": "Grouping by repository goes without one, or with several."})
    if by == "source" and (attrs["source"] or attrs["repository"]):
        raise serializers.ValidationError({"group_by": "Grouping by source goes without `source` and `repository`."})
    details, uses = names & {"tag", "digest"}, names & set(USE)
    if len(details) + bool(uses) > 1:
        listed = ", ".join(sorted(details | uses))
        raise serializers.ValidationError({"group_by" if by else listed: f"These are not counted together: {listed}."})
    if "platform" in names and names & {"action", "actor"}:
        raise serializers.ValidationError(
            {"platform": "Platforms are told of what is fetched, without action or actor."}
        )


class LeaderboardQuery(SourceQuery):
    """Which window, and how many lines."""

    window = serializers.ChoiceField(WINDOWS, default="7d", help_text="the last hours or days, UTC")
    limit = serializers.IntegerField(default=10, min_value=1, max_value=100)
