"""`/keeping`: what is said about keeping, and what came of it."""

from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from registryhub.registry.keeping.runs import TASK, request_run
from registryhub.workers import wake
from webui.operations.doors import require, staff_page

SHOWN_RUNS = 10
SHOWN_ROWS = 200


TONES = {"waiting": "wait", "running": "push", "done": "ok", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run, and how its state looks."""

    run: RetentionRun
    tone: str


@require_safe
@staff_page
def keeping(request: HttpRequest) -> HttpResponse:
    """A query for each table, however much there is; the fullest quota first."""
    context = {
        "rules": list(RetentionRule.objects.order_by("name")[:SHOWN_ROWS]),
        "immutable": list(ImmutableRule.objects.order_by("name")[:SHOWN_ROWS]),
        "quotas": list(Quota.objects.order_by(F("limit_bytes") - F("used_bytes"), "namespace")[:SHOWN_ROWS]),
        "lines": [RunLine(run, TONES[run.state]) for run in RetentionRun.objects.order_by("-pk")[:SHOWN_RUNS]],
        "may_run": request.user.has_perm("keeping.add_retentionrun"),
    }
    return render(request, "webui/keeping/overview.html", context)


@require_POST
@staff_page
def run_now(request: HttpRequest) -> HttpResponse:
    """Apply the rules; a worker carries it out."""
    require(request, "keeping.add_retentionrun")
    with transaction.atomic():
        request_run(request.user.get_username())
        transaction.on_commit(partial(wake, TASK))
    messages.success(request, "The rules are being applied; below is how far it is.")
    return redirect("webui:keeping")
