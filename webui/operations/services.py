"""`/services`: what runs, by which rules it is replaced, and trying the rules on the past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from deployer.backtest import backtest
from deployer.definitions import delete, environment_names, rotate_key
from deployer.history import NotPossible, deploy_newest, find_previous
from deployer.models import Deployment, Service
from deployer.pauses import pause_service, resume_service
from webui.operations.deployment_state import DeploymentLine, read_lines
from webui.operations.deployments import CHANGE
from webui.operations.doors import require, staff_page, superuser_page
from webui.operations.service_settings import describe_settings

TRIED_PUSHES = 50
_DEPLOYMENTS = 10
_NEWEST = Deployment.objects.filter(service=OuterRef("pk")).order_by("-id")


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A line of the list; `last` is None before the first deployment."""

    service: Service
    last: DeploymentLine | None


@require_safe
@staff_page
def services(request: HttpRequest) -> HttpResponse:
    """All services by name."""
    rows = Service.objects.order_by("name").select_related("current").prefetch_related("rules__source")
    lines = read_service_lines(rows, timezone.now())
    return render(request, "webui/operations/services.html", {"lines": lines})


@require_safe
@staff_page
def service(request: HttpRequest, name: str) -> HttpResponse:
    """One service."""
    found = get_object_or_404(Service.objects.select_related("current"), name=name)
    rows = found.deployments.order_by("-id").select_related("service", "source").defer("logs", "memo")
    lines = read_lines(rows[:_DEPLOYMENTS], timezone.now())
    tried = backtest(found, TRIED_PUSHES)
    may_change = request.user.has_perm(CHANGE)
    context = {
        "service": found,
        "rules": list(found.rules.order_by("id").select_related("source")),
        "settings": describe_settings(found),
        "variables": environment_names(found),
        "lines": lines,
        "tried": tried,
        "matched": sum(rule is not None for _, rule in tried),
        "may_deploy": may_change and any(rule for _, rule in tried),
        "again": _repeatable(found, lines) if may_change else None,
        "before": find_previous(found.current) if may_change and found.current else None,
    }
    return render(request, "webui/operations/service.html", context)


@require_POST
@superuser_page
def act_on_service(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Pause it, resume it, or give it a new key."""
    found = get_object_or_404(Service, name=name)
    try:
        messages.success(request, ACTS[act](found))
    except NotPossible as error:
        messages.error(request, f"Not possible: {error}.")
    return redirect("webui:services-service", name=name)


@require_POST
@staff_page
def deploy_newest_push(request: HttpRequest, name: str) -> HttpResponse:
    """What was pushed before the service was defined, or while it was paused."""
    require(request, CHANGE)
    try:
        made = deploy_newest(get_object_or_404(Service, name=name), cast(User, request.user))
    except NotPossible as error:
        messages.error(request, f"Not possible: {error}.")
        return redirect("webui:services-service", name=name)
    messages.success(request, f"{made} is deployed to {name}.")
    return redirect("webui:deployments-deployment", pk=made.pk)


@require_POST
@superuser_page
def delete_service(request: HttpRequest, name: str) -> HttpResponse:
    """Forget it with its history."""
    try:
        delete(get_object_or_404(Service, name=name))
    except NotPossible as error:
        messages.error(request, f"Not possible: {error}.")
        return redirect("webui:services-service", name=name)
    messages.success(request, f"{name} is forgotten; what runs goes on running.")
    return redirect("webui:services")


def read_service_lines(services: QuerySet[Service], now: datetime) -> Sequence[ServiceLine]:
    """The services with their newest deployments: five queries, however many there are."""
    rows = list(services.annotate(newest=Subquery(_NEWEST.values("pk")[:1])))
    newest = Deployment.objects.filter(pk__in=[row.newest for row in rows if row.newest]).select_related("service")
    lines = {line.deployment.service_id: line for line in read_lines(newest.defer("logs", "memo"), now)}
    return [ServiceLine(row, lines.get(row.pk)) for row in rows]


def _repeatable(service: Service, lines: Sequence[DeploymentLine]) -> Deployment | None:
    """What can be deployed again: what runs, else the last that was tried."""
    return service.current or next((line.deployment for line in lines if line.deployment.is_finished), None)


def _pause(service: Service) -> str:
    pause_service(service)
    return f"{service.name} is paused: pushes deploy nothing."


def _resume(service: Service) -> str:
    resume_service(service)
    return f"{service.name} is deployed by its rules again, from the next push on."


def _rotate(service: Service) -> str:
    return f"The new key of {service.name}, shown this once: {rotate_key(service)}"


ACTS: dict[str, Callable[[Service], str]] = {"pause": _pause, "resume": _resume, "key": _rotate}
