"""What may be asked of the log by its REST API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from notifications import events
from registryhub.access.visibility import sees_everything
from registryhub.rest import OnlyKnown

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class EventFilter(OnlyKnown):
    """Which events are wanted: those that are all of it."""

    repository = serializers.CharField(required=False, max_length=255)
    action = serializers.ChoiceField(sorted(events.ACTIONS), required=False)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=100, help_text="name of the registry; all by default"
    )
    tag = serializers.CharField(required=False, max_length=128)
    digest = serializers.CharField(required=False, max_length=140)
    actor = serializers.CharField(required=False, max_length=255, help_text="who it was; for staff")

    def validate_actor(self, actor: str) -> str:
        """Who may not see people must not find them by asking."""
        if not sees_everything(self.context["request"].user):
            raise serializers.ValidationError("Only staff may ask for people.")
        return actor

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "source" in attrs:
            attrs["source__name"] = attrs.pop("source")
        return attrs


class EventsQuery(EventFilter):
    """A page of events, in order after a number or, with `before`, the newest first."""

    after = serializers.IntegerField(
        required=False, min_value=0, max_value=events.MAX_SIZE, help_text="number of the last one read; 0 by default"
    )
    before = serializers.IntegerField(
        required=False, min_value=0, max_value=events.MAX_SIZE, help_text="the newest first, from before this number on"
    )
    limit = serializers.IntegerField(default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    since = serializers.DateTimeField(required=False, help_text="came in then or later")
    until = serializers.DateTimeField(required=False, help_text="came in before")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "after" in attrs and "before" in attrs:
            raise serializers.ValidationError({"before": "It cannot be asked for together with after."})
        return super().validate(attrs)


class StreamQuery(EventFilter):
    """Events as they come in."""

    after = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=events.MAX_SIZE,
        help_text="begin after this number; at the head if absent",
    )


def read_query(kind: type[EventFilter], request: Request) -> dict[str, Any]:
    """The valid parameters of a request. Raises ValidationError."""
    query = kind(data=request.query_params, context={"request": request})
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)
