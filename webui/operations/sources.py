"""`/sources`: the registries whose events come in, and how that goes."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from notifications.receiver.sources import change_source
from notifications.receiver.standing import read_standings
from registryhub.access.models import Source
from webui.operations.doors import require, staff_page

GRACES = {"day": 86_400, "week": 7 * 86_400, "hour": 3600, "none": 0}
"""How long the old tokens or secrets go on beside a new one, in seconds."""


@require_safe
@staff_page
def sources(request: HttpRequest) -> HttpResponse:
    """All of them by name, which are few; the hub itself comes first."""
    found = read_standings(Source.objects.order_by("name"))
    standings = sorted(found, key=lambda standing: not standing.source.is_hub)
    return render(request, "webui/operations/sources.html", {"standings": standings})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def source(request: HttpRequest, name: str) -> HttpResponse:
    """One source; a POST enables or disables it."""
    found = find_source(name)
    if request.method == "POST":
        return _act(request, found)
    [standing] = read_standings(Source.objects.filter(pk=found.pk))
    context = {
        "source": found,
        "standing": standing,
        "tokens": found.tokens.order_by("-pk"),
        "secrets": found.secrets.defer("sealed").order_by("-pk"),
        "url": request.build_absolute_uri(f"/api/v1/events/{found.name}"),
        "may_change": request.user.has_perm("access.change_source") and not found.is_hub,
        "may_delete": request.user.has_perm("access.delete_source") and not found.is_hub,
    }
    return render(request, "webui/operations/source.html", context)


def find_source(name: str) -> Source:
    """Raises Http404."""
    found = Source.objects.filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, source: Source) -> HttpResponse:
    require(request, "access.change_source")
    act = request.POST.get("act")
    if act in ("enable", "disable") and not source.is_hub:
        change_source(source, is_enabled=act == "enable")
        told = "taken again" if act == "enable" else "answered 401 until it is enabled again"
        messages.success(request, f"{source.name} is {act}d: what it sends is {told}.")
    return redirect("webui:sources-source", name=source.name)
