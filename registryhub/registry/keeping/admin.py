"""Rules, runs and quotas in the admin; they change by the same verbs as elsewhere."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from registryhub.database.bounded import LookAtAdmin
from registryhub.registry.keeping import changes
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun


class KeepingAdmin(ModelAdmin):
    """What is saved is in force at once."""

    def save_model(self, request: HttpRequest, obj: Model, form: Form, change: bool) -> None:
        changes.save(_row(obj))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        changes.remove(_row(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for row in queryset:
            changes.remove(_row(row))


def _row(row: Model) -> changes.Row:
    if not isinstance(row, RetentionRule | ImmutableRule | Quota):
        raise TypeError("this admin saves rules and quotas")
    return row


@admin.register(RetentionRule)
class RetentionRuleAdmin(KeepingAdmin):
    list_display = (
        *("name", "repositories", "tags", "keep_newest", "pushed_within_seconds", "used_within_seconds"),
        *("keeps_all", "is_enabled"),
    )
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    ordering = ("name",)


@admin.register(ImmutableRule)
class ImmutableRuleAdmin(KeepingAdmin):
    list_display = ("name", "repositories", "tags", "except_tags", "is_enabled")
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    ordering = ("name",)


@admin.register(Quota)
class QuotaAdmin(KeepingAdmin):
    list_display = ("namespace", "limit_bytes", "used_bytes", "filled", "counted_at")
    search_fields = ("namespace",)
    ordering = ("namespace",)
    readonly_fields = ("used_bytes", "counted_at")

    @admin.display(description="filled")
    def filled(self, quota: Quota) -> str:
        return f"{quota.percent} %"


@admin.register(RetentionRun)
class RetentionRunAdmin(LookAtAdmin):
    """What was deleted by rules, and when."""

    list_display = ("slot", "state", "requested_by", "looked_at", "deleted", "started_at", "finished_at", "waits_for")
    list_filter = ("state",)
    ordering = ("-id",)
