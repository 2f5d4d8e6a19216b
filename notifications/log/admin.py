"""The log in the admin, to look at: what happened cannot be changed, and nothing here counts a whole table."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.log.models import Consumer, Event, Intake, LogHead, QuarantinedEvent, SourceTally
from registryhub.access.models import Source
from registryhub.database.bounded import LookAtAdmin

SHOWN_BYTES = 4096


@admin.register(Event)
class EventAdmin(LookAtAdmin):
    """Events, the newest first."""

    list_display = ("seq", "occurred_at", "action", "repository", "tag", "digest", "actor", "address", "source")
    list_select_related = ("source",)
    ordering = ("-seq",)
    search_fields = ("repository",)
    search_help_text = "the whole name of a repository"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """By the index, whose first column is the source."""
        if not search_term:
            return queryset, False
        sources = list(Source.objects.values_list("pk", flat=True))
        return queryset.filter(source_id__in=sources, repository=search_term), False


@admin.register(Consumer)
class ConsumerAdmin(LookAtAdmin):
    """Who reads the log, and how far each has come."""

    list_display = ("name", "position", "updated_at", "lost", "lost_at", "holder", "expires_at")
    ordering = ("name",)


@admin.register(LogHead)
class LogHeadAdmin(LookAtAdmin):
    """The last number given, and by whom."""

    list_display = ("position", "holder", "expires_at", "intake_id", "intake_done")


@admin.register(SourceTally)
class SourceTallyAdmin(LookAtAdmin):
    """What became of all that each source has sent, and when its last event came."""

    list_display = (
        *("source", "events", "duplicates", "quarantined", "last_received_at", "last_occurred_at", "offset_seconds"),
        "forgotten_to",
    )
    list_select_related = ("source",)
    ordering = ("source__name",)


class RawAdmin(LookAtAdmin):
    """Rows that hold raw bytes, of which the beginning is shown."""

    list_select_related = ("source",)
    readonly_fields = ("beginning",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Megabytes of raw bytes stay where they are until one row is looked at."""
        return super().get_queryset(request).defer("raw")

    @admin.display(description="raw")
    def beginning(self, row: Intake | QuarantinedEvent) -> str:
        return bytes(row.raw[:SHOWN_BYTES]).decode(errors="backslashreplace")


@admin.register(Intake)
class IntakeAdmin(RawAdmin):
    """What waits to be numbered."""

    list_display = ("id", "source", "kind", "received_at")
    fields = ("source", "kind", "received_at", "beginning")
    ordering = ("id",)


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(RawAdmin):
    """What could not be read or stored; the pages of sources retry and discard, here it may be deleted."""

    list_display = ("id", "source", "reason", "received_at", "discarded_at", "remark")
    fields = ("source", "kind", "reason", "received_at", "beginning", "discarded_at", "discarded_by", "remark")
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("log.delete_quarantinedevent")
