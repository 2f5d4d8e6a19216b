"""`/webhooks/-/dead-letters`: what was given up, by endpoint and error, and deciding about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from notifications.delivery.models import DeadLetter, Endpoint
from notifications.delivery.sending.letters import discard_letters, resend_letters
from webui.operations.doors import require, staff_page
from webui.operations.places import read_listing, read_place

LETTERS_ON_A_PAGE = 50
GROUPS = 50
_STATES = {"waiting": "undecided", "queued": "on their way", "resent": "delivered", "discarded": "discarded"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Groups of what waits for a decision, and the letters of one group or state."""
    if request.method == "POST":
        return _decide(request)
    chosen = _chosen(request.GET)
    state = request.GET.get("state", "waiting")
    state = state if state in _STATES else "waiting"
    letters = chosen.filter(state=state).select_related("endpoint", "send_to").defer("document")
    context = {
        "groups": _groups(),
        "letters": read_listing(letters, read_place(request.GET.get("cursor", "")), LETTERS_ON_A_PAGE),
        "states": _STATES,
        "state": state,
        "endpoint": request.GET.get("endpoint", ""),
        "error": request.GET.get("error", ""),
        "endpoints": list(Endpoint.objects.filter(is_absent=False).order_by("name").values_list("pk", "name")),
        "may_change": request.user.has_perm("delivery.change_deadletter"),
    }
    return render(request, "webui/operations/dead_letters.html", context)


def _groups() -> Sequence[Mapping[str, Any]]:
    """What waits, by endpoint and last error; the largest first."""
    waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING)
    by = waiting.values("endpoint__name", "endpoint_id", "error")
    found = by.annotate(count=Count("id"), oldest=Min("created_at"), newest=Max("created_at"))
    return [dict(group) for group in found.order_by("-count", "endpoint__name", "error")[:GROUPS]]


def _chosen(query: Any) -> QuerySet[DeadLetter]:
    letters = DeadLetter.objects.all()
    if endpoint := query.get("endpoint"):
        letters = letters.filter(endpoint__name=endpoint)
    if error := query.get("error"):
        letters = letters.filter(error=error)
    return letters


def _decide(request: HttpRequest) -> HttpResponse:
    """About the letters that are ticked, or about all of the group."""
    require(request, "delivery.change_deadletter")
    query, by = request.POST, request.user.get_username()
    letters = _chosen(query)
    if query.get("scope") != "all":
        ticked = [pk for pk in query.getlist("letter") if pk.isascii() and pk.isdigit() and len(pk) < 19]
        letters = letters.filter(pk__in=ticked)
    if query.get("act") == "resend":
        to = Endpoint.objects.filter(name=query["to"]).first() if query.get("to") else None
        count = resend_letters(letters, to=to, by=by)
        messages.success(request, f"{count:,} sent again, within moments.")
    elif query.get("act") == "discard" and (remark := query.get("reason", "").strip()):
        count = discard_letters(letters.filter(state=DeadLetter.State.WAITING), remark=remark[:1000], by=by)
        messages.success(request, f"{count:,} discarded.")
    else:
        messages.error(request, "Nothing was discarded: write a reason, which is kept.")
    return redirect("webui:webhooks-dead-letters")
