"""Services, rules and deployments in the admin. Only superusers define services; secrets are never shown."""

from collections.abc import Callable
from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from deployer.definitions import define
from deployer.forms import ServiceForm
from deployer.history import NotPossible, retry, roll_back
from deployer.models import Deployment, Rule, Service, Step
from deployer.pauses import pause_service, resume_service
from registryhub.database.bounded import LookAtAdmin


def _is_superuser(self: object, request: HttpRequest, obj: object = None) -> bool:
    """Staff may look, superusers may change."""
    return bool(request.user.is_superuser)


def _is_nobody(self: object, request: HttpRequest, obj: object = None) -> bool:
    """Rows that the hub writes itself."""
    return False


class RuleInline(TabularInline):
    """The rules of a service, on its page."""

    model = Rule
    extra = 0
    has_add_permission = has_change_permission = has_delete_permission = _is_superuser
    autocomplete_fields = ("source",)


@admin.register(Service)
class ServiceAdmin(ModelAdmin):
    """Services; what runs changes with the next deployment."""

    has_add_permission = has_change_permission = has_delete_permission = _is_superuser
    form = ServiceForm
    inlines = (RuleInline,)
    list_display = ("name", "kind", "is_paused", "runs", "debounce_seconds")
    list_filter = ("kind", "is_paused")
    list_select_related = ("current",)
    search_fields = ("name",)
    ordering = ("name",)
    actions = ("pause", "resume")
    fields = ("name", "kind", "is_paused", "debounce_seconds", "settings", "environment")

    def save_model(self, request: HttpRequest, obj: Model, form: Form, change: bool) -> None:
        if not isinstance(obj, Service) or not isinstance(form, ServiceForm):
            raise TypeError("this admin saves services from their own form")
        if key := define(obj, form.definition()):
            messages.warning(request, f"The key of the signature, shown this once: {key}")

    @admin.display(description="runs", empty_value="–")
    def runs(self, service: Service) -> Deployment | None:
        return service.current

    @admin.action(description="Pause", permissions=("change",))
    def pause(self, request: HttpRequest, services: QuerySet[Service]) -> None:
        for service in services:
            pause_service(service)

    @admin.action(description="Resume", permissions=("change",))
    def resume(self, request: HttpRequest, services: QuerySet[Service]) -> None:
        for service in services:
            resume_service(service)


class StepInline(TabularInline):
    """The steps of a deployment, on its page."""

    model = Step
    extra = 0
    has_add_permission = has_change_permission = has_delete_permission = _is_nobody
    fields = ("name", "is_undo", "state", "detail", "holder", "started_at", "finished_at")
    ordering = ("id",)


@admin.register(Deployment)
class DeploymentAdmin(LookAtAdmin):
    """What was deployed, and what became of it."""

    inlines = (StepInline,)
    list_display = ("id", "service", "__str__", "state", "cause", "created_at", "finished_at", "reason")
    list_filter = ("state", "service", "cause")
    list_select_related = ("service",)
    search_fields = ("repository__exact", "digest__exact")
    search_help_text = "the whole name of a repository, or a digest"
    ordering = ("-id",)
    actions = ("retry", "roll_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return super().get_queryset(request).defer("logs", "memo")

    def has_deploy_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("deployer.change_deployment")

    @admin.action(description="Deploy again", permissions=("deploy",))
    def retry(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        self._each(request, deployments, retry)

    @admin.action(description="Roll back to what ran before", permissions=("deploy",))
    def roll_back(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        self._each(request, deployments, roll_back)

    def _each(
        self, request: HttpRequest, deployments: QuerySet[Deployment], act: Callable[[Deployment, User], Deployment]
    ) -> None:
        for deployment in deployments:
            try:
                made = act(deployment, cast(User, request.user))
            except NotPossible as error:
                messages.error(request, f"{deployment.service}: {error}.")
            else:
                messages.success(request, f"{made.service}: {made} is deployed, as number {made.pk}.")
