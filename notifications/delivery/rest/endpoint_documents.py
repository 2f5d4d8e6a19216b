"""Endpoints as documents of the REST API."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from notifications.delivery.backlog import Backlog, describe
from notifications.delivery.definitions.pauses import Skipped
from notifications.delivery.definitions.typed import Typed, show, unseal
from notifications.delivery.models import Endpoint
from registryhub.access.sealing import Unsealable

COUNTERS = inline_serializer(
    "EndpointCounters",
    {
        "events": serializers.IntegerField(help_text="that came into its queue"),
        "pending": serializers.IntegerField(help_text="that wait, the one being sent included"),
        "successes": serializers.IntegerField(help_text="attempts that were accepted"),
        "failures": serializers.IntegerField(help_text="attempts that were refused with a status"),
        "errors": serializers.IntegerField(help_text="attempts without an answer"),
        "given_up": serializers.IntegerField(help_text="events that became dead letters"),
        "statuses": serializers.DictField(child=serializers.IntegerField(), help_text="answers by status"),
    },
)
"""The counters of the reference (C.6)."""

SECRETS = inline_serializer(
    "EndpointSecret",
    {"expires_at": serializers.DateTimeField(allow_null=True, help_text="of an old one: when it signs no more")},
    many=True,
)

SKIPPED = inline_serializer(
    "SkippedEvents",
    {
        "events": serializers.IntegerField(help_text="that waited and are never sent"),
        "is_exact": serializers.BooleanField(help_text="false: so many at most"),
    },
)


class EndpointDocument(serializers.ModelSerializer[Endpoint]):
    """`context["backlogs"]` holds the backlog of each endpoint by its id."""

    state = serializers.ChoiceField(choices=Endpoint.State.choices, read_only=True)
    description = serializers.SerializerMethodField(help_text="the state in words")
    position = serializers.SerializerMethodField(help_text="number of the last event dealt with")
    behind = serializers.SerializerMethodField(help_text="all events of the log after the position")
    pending = serializers.SerializerMethodField(help_text="those of them that the endpoint gets")
    pending_is_exact = serializers.SerializerMethodField(
        help_text="false: so far behind that pending is an upper bound"
    )
    oldest_pending_seconds = serializers.SerializerMethodField(help_text="how long the oldest of them has waited")
    counters = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            *("id", "name", "url", "origin", "state", "description", "is_paused", "is_disabled", "is_absent"),
            *("position", "behind", "pending", "pending_is_exact", "oldest_pending_seconds"),
            *("stopped_at", "stop_reason", "consecutive_failures", "event_failures", "failing_seconds", "alert_level"),
            *("last_error", "last_failure_at", "last_success_at", "next_try_at", "counters"),
            *("timeout_seconds", "threshold", "backoff_seconds", "max_backoff_seconds", "max_attempts"),
            *(
                "max_age_seconds",
                "disable_after_seconds",
                "rate_limit_per_second",
                "face",
                "batch_size",
                "header_names",
            ),
            *("ignored_media_types", "ignored_actions", "filter", "created_at", "revision"),
        )
        read_only_fields: tuple[str, ...] = fields

    def get_description(self, endpoint: Endpoint) -> str:
        return describe(endpoint, self._backlog(endpoint), self._now())

    def get_position(self, endpoint: Endpoint) -> int | None:
        return self._backlog(endpoint).position

    def get_behind(self, endpoint: Endpoint) -> int:
        return self._backlog(endpoint).behind

    def get_pending(self, endpoint: Endpoint) -> int:
        return self._backlog(endpoint).pending

    def get_pending_is_exact(self, endpoint: Endpoint) -> bool:
        return self._backlog(endpoint).is_exact

    def get_oldest_pending_seconds(self, endpoint: Endpoint) -> float | None:
        return self._backlog(endpoint).oldest_pending_seconds(self._now())

    @extend_schema_field(COUNTERS)
    def get_counters(self, endpoint: Endpoint) -> dict[str, Any]:
        pending = self._backlog(endpoint).pending
        return {
            "events": endpoint.successes + endpoint.given_up + pending,
            "pending": pending,
            "successes": endpoint.successes,
            "failures": endpoint.failures,
            "errors": endpoint.errors,
            "given_up": endpoint.given_up,
            "statuses": endpoint.statuses,
        }

    def _backlog(self, endpoint: Endpoint) -> Backlog:
        backlog: Backlog = self.context["backlogs"][endpoint.pk]
        return backlog

    def _now(self) -> datetime:
        return timezone.now()


class EndpointList(serializers.Serializer[dict[str, Any]]):
    """All of them: they are few."""

    results = EndpointDocument(many=True)


class EndpointDetail(EndpointDocument):
    """With the settings of an endpoint that was made here, as `config.yml` would hold them, nothing secret among them.

    They may be sent back as they are: what is masked stays.
    """

    settings = serializers.SerializerMethodField(help_text="null for an endpoint of config.yml, or when unreadable")
    secrets = serializers.SerializerMethodField()

    class Meta(EndpointDocument.Meta):
        fields = (*EndpointDocument.Meta.fields, "settings", "secrets")
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_settings(self, endpoint: Endpoint) -> dict[str, Any] | None:
        typed = read_typed(endpoint)
        return None if typed is None else show(typed.document)

    @extend_schema_field(SECRETS)
    def get_secrets(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        typed = read_typed(endpoint)
        return [] if typed is None else [{"expires_at": secret.expires_at} for secret in typed.secrets]


class MadeEndpoint(EndpointDetail):
    """With its secret, which is shown this once."""

    secret = serializers.SerializerMethodField()

    class Meta(EndpointDetail.Meta):
        fields = (*EndpointDetail.Meta.fields, "secret")
        read_only_fields = fields

    def get_secret(self, endpoint: Endpoint) -> str:
        secret: str = self.context["secret"]
        return secret


class ResumedEndpoint(EndpointDetail):
    """With what became of the events that waited."""

    skipped = serializers.SerializerMethodField()

    class Meta(EndpointDetail.Meta):
        fields = (*EndpointDetail.Meta.fields, "skipped")
        read_only_fields = fields

    @extend_schema_field(SKIPPED)
    def get_skipped(self, endpoint: Endpoint) -> dict[str, Any]:
        skipped: Skipped = self.context["skipped"]
        return skipped._asdict()


def read_typed(endpoint: Endpoint) -> Typed | None:
    """What was typed; None for an endpoint of `config.yml`, and when it cannot be read any more."""
    if endpoint.is_configured:
        return None
    try:
        return unseal(endpoint.sealed)
    except Unsealable:
        return None
