"""`/doctor`: where events stop, and why. An examination runs beside the request that asks for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from registryhub.doctor.checkups import KEPT, begin_in_background
from registryhub.doctor.models import Checkup
from webui.operations.doors import staff_page

_TONES = {"ok": "ok", "slow": "wait", "warning": "wait", "stopped": "bad", "skipped": "still"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def doctor(request: HttpRequest) -> HttpResponse:
    """The last examinations; a POST begins one, or leads to the one that is under way."""
    if request.method == "POST":
        checkup = begin_in_background(request.user.get_username(), delivers=request.POST.get("delivers") == "on")
        return redirect("webui:webhooks-checkup", pk=checkup.pk)
    newest = [(each, describe(each)) for each in Checkup.objects.order_by("-id")[:KEPT]]
    return render(request, "webui/operations/doctor.html", {"checkups": newest})


@require_safe
@staff_page
def checkup(request: HttpRequest, pk: int) -> HttpResponse:
    """What was found so far, hop by hop."""
    found = get_object_or_404(Checkup, pk=pk)
    context = {
        "checkup": found,
        "summary": describe(found),
        "lines": read_lines(found.findings),
        "is_running": found.state == Checkup.State.RUNNING,
    }
    return render(request, "webui/operations/checkup.html", context)


def describe(found: Checkup) -> Mapping[str, str]:
    """How it went, as words and their tone."""
    if found.state == Checkup.State.RUNNING:
        return {"words": "looking", "tone": "push"}
    if found.state == Checkup.State.ABANDONED:
        return {"words": "not finished", "tone": "still"}
    if found.is_well:
        return {"words": "all is well", "tone": "ok"}
    stopped = [finding["name"] for finding in found.findings if finding["state"] == "stopped"]
    return {"words": f"stopped: {', '.join(stopped)}", "tone": "bad"}


def read_lines(findings: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The findings with the tones of their states."""
    return [{**finding, "tone": _TONES[finding["state"]]} for finding in findings]
