"""Endpoints and attempts in the admin: to look at, and to pause and resume. Secrets are not in these tables."""

from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.forms import ActionForm

from notifications.delivery.backlog import Backlog, describe, measure_backlogs
from notifications.delivery.definitions.pauses import pause_endpoint, resume_endpoint
from notifications.delivery.models import Attempt, DeadLetter, Endpoint, Notice
from notifications.delivery.sending.letters import discard_letters, resend_letters
from registryhub.database.bounded import LookAtAdmin


@admin.register(Endpoint)
class EndpointAdmin(LookAtAdmin):
    """Webhooks, with names but no values of headers. Those that were made here are changed on their pages."""

    list_display = ("name", "origin", "url", "what", "position", "pending", "oldest_pending", "last_error")
    list_filter = ("origin",)
    ordering = ("name",)
    sortable_by = ("name",)
    search_fields = ("name", "url")
    actions = ("pause", "resume")
    readonly_fields = ("settings_page", "what", "position", "pending", "oldest_pending")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("delivery.change_endpoint")

    @admin.action(description="Pause", permissions=("pause",))
    def pause(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        for endpoint in endpoints:
            pause_endpoint(endpoint)

    @admin.action(description="Resume", permissions=("pause",))
    def resume(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        for endpoint in endpoints:
            resume_endpoint(endpoint)

    @admin.display(description="settings")
    def settings_page(self, endpoint: Endpoint) -> str:
        if endpoint.is_configured:
            return "those of config.yml; change them there"
        return format_html('<a href="{}">change them on their page</a>', f"/webhooks/-/{endpoint.pk}/change")

    @admin.display(description="state")
    def what(self, endpoint: Endpoint) -> str:
        return describe(endpoint, _measured(endpoint), timezone.now())

    @admin.display(description="position", empty_value="new")
    def position(self, endpoint: Endpoint) -> int | None:
        return _measured(endpoint).position

    @admin.display(description="pending")
    def pending(self, endpoint: Endpoint) -> str:
        backlog = _measured(endpoint)
        return str(backlog.pending) if backlog.is_exact else f"at most {backlog.pending}"

    @admin.display(description="oldest pending", empty_value="–")
    def oldest_pending(self, endpoint: Endpoint) -> timedelta | None:
        seconds = _measured(endpoint).oldest_pending_seconds(timezone.now())
        return None if seconds is None else timedelta(seconds=round(seconds))


def _measured(endpoint: Endpoint) -> Backlog:
    """Measured once a page and endpoint, though several columns show it."""
    if "backlog" not in endpoint.__dict__:
        endpoint.__dict__["backlog"] = measure_backlogs([endpoint])[endpoint.pk]
    backlog: Backlog = endpoint.__dict__["backlog"]
    return backlog


@admin.register(Attempt)
class AttemptAdmin(LookAtAdmin):
    """What became of each attempt: failures one by one, successes in batches."""

    list_display = ("attempted_at", "endpoint", "is_success", "seq", "events", "status", "error", "milliseconds")
    list_filter = ("endpoint", "is_success")
    list_select_related = ("endpoint",)
    ordering = ("-id",)

    @admin.display(description="ms an event")
    def milliseconds(self, attempt: Attempt) -> str:
        return f"{1000 * attempt.duration_seconds / attempt.events:.1f}"


@admin.register(Notice)
class NoticeAdmin(LookAtAdmin):
    """What operators should know of the endpoints."""

    list_display = ("created_at", "endpoint", "kind", "level", "text")
    list_filter = ("endpoint", "kind")
    list_select_related = ("endpoint",)
    ordering = ("-id",)


class DecisionForm(ActionForm):
    """What an action on dead letters needs to know."""

    remark = forms.CharField(required=False, label="Reason", help_text="for discarding")


@admin.register(DeadLetter)
class DeadLetterAdmin(LookAtAdmin):
    """Events that were given up: to be sent once more, or discarded."""

    list_display = ("created_at", "endpoint", "state", "repository", "tag", "action", "attempts", "error")
    list_filter = ("endpoint", "state", "reason", "status")
    list_select_related = ("endpoint",)
    search_fields = ("error", "event_id")
    ordering = ("-id",)
    actions = ("resend", "discard")
    action_form = DecisionForm

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("delivery.change_deadletter")

    @admin.action(description="Send once more", permissions=("decide",))
    def resend(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        count = resend_letters(letters.order_by(), to=None, by=request.user.get_username())
        messages.success(request, f"{count} will be sent once more, beside the queue of their endpoint.")

    @admin.action(description="Discard", permissions=("decide",))
    def discard(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        remark = request.POST.get("remark", "").strip()
        if not remark:
            messages.error(request, "Write the reason beside the action; nothing was discarded.")
            return
        count = discard_letters(letters.order_by(), remark=remark, by=request.user.get_username())
        messages.success(request, f"{count} were discarded.")
