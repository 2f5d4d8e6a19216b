"""What the REST API says of rules, runs and quotas, and what it takes."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from registryhub.registry.keeping.verdicts import Verdict
from registryhub.rest import OnlyKnown


class RetentionRuleDocument(OnlyKnown, serializers.ModelSerializer[RetentionRule]):
    """Which tags a rule looks at, and which of those it keeps."""

    class Meta:
        model = RetentionRule
        fields: tuple[str, ...] = (
            *("id", "name", "repositories", "tags", "keep_newest", "pushed_within_seconds", "used_within_seconds"),
            *("keeps_all", "is_enabled", "created_at"),
        )
        read_only_fields: tuple[str, ...] = ("id", "created_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What the fields do not say by themselves; a PATCH is judged with what it leaves out."""
        try:
            self.row(attrs).clean()
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return attrs

    def row(self, attrs: dict[str, Any]) -> RetentionRule:
        """The rule as it would be saved."""
        before = self.instance if isinstance(self.instance, RetentionRule) else RetentionRule()
        fields = [field.attname for field in RetentionRule._meta.concrete_fields]
        return RetentionRule(**{name: getattr(before, name) for name in fields} | attrs)


class TriedRuleDocument(RetentionRuleDocument):
    """A rule that is not saved yet. It stands for the enabled rule of its name, if there is one."""

    name = serializers.CharField(max_length=100, default="this rule")

    class Meta(RetentionRuleDocument.Meta):
        fields = (
            *("name", "repositories", "tags", "keep_newest", "pushed_within_seconds", "used_within_seconds"),
            "keeps_all",
        )
        read_only_fields = ()


class VerdictDocument(serializers.Serializer):
    """What becomes of a tag."""

    repository = serializers.CharField()
    tag = serializers.CharField()
    digest = serializers.CharField()
    pushed_at = serializers.DateTimeField()
    verdict = serializers.SerializerMethodField(help_text="keep or delete")
    rule = serializers.CharField(help_text="the name of the rule that decides; empty: none does")
    reason = serializers.CharField()

    def get_verdict(self, verdict: Verdict) -> str:
        return "keep" if verdict.is_kept else "delete"


class VerdictList(serializers.Serializer[dict[str, Any]]):
    next = serializers.CharField(
        allow_null=True, help_text="URL of the next page, also of a short one: a page looks at 10,000 tags at most"
    )
    results = VerdictDocument(many=True)


class PreviewQuery(serializers.Serializer[dict[str, Any]]):
    """Which verdicts to list."""

    verdict = serializers.ChoiceField(choices=["all", "keep", "delete"], default="all")
    limit = serializers.IntegerField(default=100, min_value=1, max_value=1000)
    cursor = serializers.CharField(default="", allow_blank=True, help_text="from `next`")


class RetentionRunDocument(serializers.ModelSerializer[RetentionRun]):
    """How far a run is, and what it has deleted."""

    class Meta:
        model = RetentionRun
        fields = (
            *("id", "slot", "requested_by", "state", "waits_for", "repository", "looked_at", "deleted"),
            *("created_at", "started_at", "finished_at"),
        )
        read_only_fields = fields


class ImmutableRuleDocument(OnlyKnown, serializers.ModelSerializer[ImmutableRule]):
    """Which tags never move and are never deleted."""

    class Meta:
        model = ImmutableRule
        fields = ("id", "name", "repositories", "tags", "except_tags", "is_enabled", "created_at")
        read_only_fields = ("id", "created_at")


class QuotaDocument(OnlyKnown, serializers.ModelSerializer[Quota]):
    """How much a namespace may hold, and how much it holds."""

    percent = serializers.IntegerField(read_only=True, help_text="how full it is, rounded down")

    class Meta:
        model = Quota
        fields = ("id", "namespace", "limit_bytes", "used_bytes", "percent", "counted_at", "created_at")
        read_only_fields = ("id", "used_bytes", "counted_at", "created_at")
