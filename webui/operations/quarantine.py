"""`/sources/<name>/quarantine`: what of a source could not be read, why, and deciding about it."""

from typing import Any

from django.contrib import messages
from django.db.models.functions import Length, Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from notifications.log import quarantine as log
from notifications.log.models import QuarantinedEvent
from registryhub.access.models import Source
from webui.operations.doors import require, staff_page
from webui.operations.places import read_listing, read_place
from webui.operations.sources import find_source

EVENTS_ON_A_PAGE = 50
SHOWN_BYTES = 1024
_STATES = {"waiting": "waiting", "discarded": "discarded"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def quarantine(request: HttpRequest, name: str) -> HttpResponse:
    """Groups of what waits for a decision, and the events of one group or state."""
    source = find_source(name)
    if request.method == "POST":
        return _decide(request, source)
    state = request.GET.get("state", "waiting")
    state = state if state in _STATES else "waiting"
    cause = request.GET.get("cause", "").replace("\0", "")
    rows = _choose(source, cause).filter(discarded_at__isnull=state == "waiting")
    shown = rows.defer("raw").annotate(begin=Substr("raw", 1, SHOWN_BYTES), size=Length("raw"))
    context = {
        "source": source,
        "groups": log.group(log.waiting().filter(source=source)),
        "page": read_listing(shown, read_place(request.GET.get("cursor", "")), EVENTS_ON_A_PAGE),
        "states": _STATES,
        "state": state,
        "cause": cause,
        "shown_bytes": SHOWN_BYTES,
        "may_decide": state == "waiting" and request.user.has_perm("log.change_quarantinedevent"),
    }
    return render(request, "webui/operations/quarantine.html", context)


def _choose(source: Source, cause: str) -> log.Rows:
    return log.by_cause(QuarantinedEvent.objects.filter(source=source), cause)


def _decide(request: HttpRequest, source: Source) -> HttpResponse:
    """About those that are ticked, or all of the cause."""
    require(request, "log.change_quarantinedevent")
    rows = _asked(request.POST, source)
    if request.POST.get("act") == "retry":
        count = log.retry(rows)
        messages.success(request, f"{count:,} are read again within moments; what fails again comes back.")
    elif request.POST.get("act") == "discard" and (remark := request.POST.get("remark", "").strip()):
        count = log.discard(rows, remark=remark[:1000].replace("\0", ""), by=request.user.get_username())
        messages.success(request, f"{count:,} are discarded.")
    else:
        messages.error(request, "Nothing was discarded: write why, which is kept.")
    return redirect("webui:sources-quarantine", name=source.name)


def _asked(query: Any, source: Source) -> log.Rows:
    rows = _choose(source, query.get("cause", "").replace("\0", "")).filter(discarded_at=None)
    if query.get("scope") == "all":
        return rows
    ticked = [pk for pk in query.getlist("event") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    return rows.filter(pk__in=ticked)
