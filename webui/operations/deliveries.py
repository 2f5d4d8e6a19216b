"""One delivery as it went over the wire, and sending again: what was sent, a part of the log, a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.endpoints import NotConfigured
from notifications.delivery.models import Attempt, Endpoint, Resend
from notifications.delivery.outgoing.curl import Request, write_check, write_curl
from notifications.delivery.sending.ranges import NothingToResend, ask_range, cancel_range, continue_range
from notifications.delivery.stats import Stats, measure_stats
from notifications.delivery.trials import KINDS, send_test
from registryhub.access.sealing import Unsealable
from webui.operations.doors import require, staff_page
from webui.operations.endpoint_state import write_share
from webui.operations.places import Listing, Place, read_listing
from webui.operations.range_form import RangeForm

ATTEMPTS_ON_A_PAGE = 20
_BATCHES = 10
_RESENDS = 5
_OTHERS = 20
_HEAVY = ("request_head", "request_body", "answer_head")
_PARTS = (
    ("look_up_seconds", "Name look-up"),
    ("connect_seconds", "Connecting"),
    ("tls_seconds", "TLS"),
    ("first_byte_seconds", "First byte"),
)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the page of an endpoint shows of them; `share` is the accepted part of the last 24 hours."""

    failures: Listing[Attempt]
    batches: Sequence[Attempt]
    resends: Sequence[Resend]
    stats: Stats
    share: str | None
    kinds: Sequence[str] = KINDS


def read_deliveries(endpoint: Endpoint, place: Place) -> Deliveries:
    """Four queries."""
    attempts = Attempt.objects.filter(endpoint=endpoint).defer(*_HEAVY)
    resends = Resend.objects.filter(endpoint=endpoint).select_related("send_to")
    stats = measure_stats(endpoint, timezone.now() - timedelta(days=1))
    return Deliveries(
        failures=read_listing(attempts.filter(is_success=False), place, ATTEMPTS_ON_A_PAGE),
        batches=list(attempts.filter(is_success=True).order_by("-id")[:_BATCHES]),
        resends=list(resends.order_by("-id")[:_RESENDS]),
        stats=stats,
        share=write_share(stats.accepted, stats.requests) if stats.requests else None,
    )


@require_safe
@staff_page
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One attempt, or a batch by its first request."""
    attempt = get_object_or_404(Attempt.objects.select_related("endpoint"), pk=pk)
    sent = Request(attempt.endpoint.url, attempt.request_head, attempt.request_body)
    about = Attempt.objects.filter(endpoint=attempt.endpoint, event_id=attempt.event_id).exclude(pk=pk)
    context = {
        "attempt": attempt,
        "endpoint": attempt.endpoint,
        "parts": [(words, seconds) for name, words in _PARTS if (seconds := getattr(attempt, name)) is not None],
        "others": list(about.defer(*_HEAVY, "answer").order_by("-id")[:_OTHERS]),
        "curl": write_curl(sent) if attempt.request_head else "",
        "check": write_check(sent),
        "form": RangeForm(None, endpoint=attempt.endpoint),
        "may_change": request.user.has_perm("delivery.change_endpoint"),
    }
    return render(request, "webui/operations/delivery.html", context)


@require_POST
@staff_page
def resend_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """To its endpoint, or to another."""
    require(request, "delivery.change_endpoint")
    attempt = get_object_or_404(Attempt.objects.select_related("endpoint"), pk=pk)
    if not attempt.is_test:
        found = RangeForm(request.POST, endpoint=attempt.endpoint)
        _ask(request, attempt.endpoint, {"first": attempt.first_seq, "last": attempt.seq, "to": found.receiver()})
    return redirect("webui:webhooks-delivery", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def resend_range(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the log once more."""
    require(request, "delivery.change_endpoint")
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form = RangeForm(request.POST if request.method == "POST" else None, endpoint=endpoint)
    if form.is_valid():
        _ask(request, endpoint, form.wanted())
        return redirect("webui:webhooks-endpoint", name=endpoint.name)
    return render(request, "webui/operations/resend_range.html", {"endpoint": endpoint, "form": form})


@require_POST
@staff_page
def act_on_resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel it, or let it go on where it stopped."""
    require(request, "delivery.change_endpoint")
    resend = get_object_or_404(Resend.objects.select_related("endpoint"), pk=pk)
    if request.POST.get("act") == "cancel" and cancel_range(resend):
        messages.success(request, "Nothing more of it is sent.")
    elif request.POST.get("act") == "continue" and continue_range(resend):
        messages.success(request, "It goes on where it stopped.")
    return redirect("webui:webhooks-endpoint", name=resend.endpoint.name)


@require_POST
@staff_page
def test_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test event, and show what came of it."""
    require(request, "delivery.change_endpoint")
    endpoint = get_object_or_404(Endpoint, pk=pk)
    kind = next((known for known in KINDS if known == request.POST.get("kind")), KINDS[0])
    try:
        attempt = send_test(endpoint, kind)
    except (NotConfigured, BadEndpoint, Unsealable) as error:
        messages.error(request, f"Nothing was sent: {error}")
        return redirect("webui:webhooks-endpoint", name=endpoint.name)
    return redirect("webui:webhooks-delivery", pk=attempt.pk)


def _ask(request: HttpRequest, endpoint: Endpoint, wanted: Mapping[str, Any]) -> None:
    try:
        resend = ask_range(endpoint, by=request.user.get_username(), **wanted)
    except NothingToResend as error:
        messages.error(request, f"Nothing is sent again: {error}.")
        return
    receiver = resend.send_to
    text = f"{receiver.name} gets it again beside its queue, within moments"
    messages.success(request, text + ("." if receiver.is_active else ", once it is resumed."))
