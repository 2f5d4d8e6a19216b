"""`/deployments`: what was deployed and what became of it, and doing it again or going back."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from deployer.history import NotPossible, find_previous, retry, roll_back
from deployer.models import Deployment, Service
from notifications.log.models import Event
from webui.operations.deployment_state import describe_line, due_in_seconds, is_current, read_lines
from webui.operations.doors import require, staff_page
from webui.operations.places import read_listing, read_place
from webui.operations.timeline import read_timeline

DEPLOYMENTS_ON_A_PAGE = 30
CHANGE = "deployer.change_deployment"


class DeploymentFilter(forms.Form):
    """Both are optional, and neither is folded away."""

    MORE: tuple[str, ...] = ()

    service = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=[("", "all"), *Deployment.State.choices])

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        names = Service.objects.order_by("name").values_list("name", flat=True)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "all"), *((name, name) for name in names)]

    def chosen(self) -> QuerySet[Deployment]:
        """What is asked for; nothing from a form with errors."""
        if not self.is_valid():
            return Deployment.objects.none()
        names = {"service": "service__name", "state": "state"}
        wanted = {names[name]: value for name, value in self.cleaned_data.items() if value}
        return Deployment.objects.filter(**wanted)


@require_safe
@staff_page
def deployments(request: HttpRequest) -> HttpResponse:
    """The newest first."""
    form = DeploymentFilter(request.GET)
    rows = form.chosen().select_related("service", "source", "requested_by").defer("logs", "memo")
    page = read_listing(rows, read_place(request.GET.get("cursor", "")), DEPLOYMENTS_ON_A_PAGE)
    lines = read_lines(page.rows, timezone.now())
    return render(request, "webui/operations/deployments.html", {"form": form, "page": page, "lines": lines})


@require_safe
@staff_page
def deployment(request: HttpRequest, pk: int) -> HttpResponse:
    """One deployment, step by step."""
    found = get_object_or_404(Deployment.objects.select_related("service", "source", "requested_by", "rule"), pk=pk)
    now = timezone.now()
    may_change = request.user.has_perm(CHANGE)
    context = {
        "deployment": found,
        "line": describe_line(found, now),
        "timeline": read_timeline(found),
        "push": Event.objects.filter(seq=found.last_seq).defer("raw").first() if found.last_seq else None,
        "due_in_seconds": due_in_seconds(found, now),
        "may_retry": may_change and found.is_finished,
        "before": find_previous(found) if may_change and is_current(found) else None,
    }
    return render(request, "webui/operations/deployment.html", context)


@require_POST
@staff_page
def retry_deployment(request: HttpRequest, pk: int) -> HttpResponse:
    """Deploy the same image again."""
    return _make(request, pk, retry)


@require_POST
@staff_page
def roll_back_deployment(request: HttpRequest, pk: int) -> HttpResponse:
    """Deploy what ran before."""
    return _make(request, pk, roll_back)


def _make(request: HttpRequest, pk: int, act: Callable[[Deployment, User], Deployment]) -> HttpResponse:
    require(request, CHANGE)
    found = get_object_or_404(Deployment.objects.select_related("service"), pk=pk)
    try:
        made = act(found, cast(User, request.user))
    except NotPossible as error:
        messages.error(request, f"Not possible: {error}.")
        return redirect("webui:deployments-deployment", pk=pk)
    messages.success(request, f"{made} is deployed to {found.service}.")
    return redirect("webui:deployments-deployment", pk=made.pk)
