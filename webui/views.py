"""The dashboard, and what an error looks like."""

import sys

from django.core.cache import cache
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers

from notifications.analytics.windows import WINDOWS, Window
from webui.exchange import exchanged
from webui.images.facts import registry_host
from webui.panels.dashboard import Dashboard, activity, dashboard
from webui.panels.windows import parse_window

_SHOWN_SECONDS = 5  # how old the page of the anonymous may be: probes of load balancers then cost next to nothing
_RETRY_AFTER_SECONDS = "1"


@vary_on_headers("HX-Request", "HX-Target")
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard. It is 200 even when the database is down: what asks for `/` wants to know whether we live."""
    window = parse_window(request.GET.get("window", ""))
    if exchanged(request) == "activity":
        shown = activity(request.user, window, timezone.now())
        return render(request, "webui/dashboard/exchange.html", {"activity": shown, "windows": WINDOWS})
    try:
        context = {"dashboard": _dashboard(request, window), "windows": WINDOWS, "host": registry_host(request)}
        return render(request, "webui/dashboard/page.html", context)
    except (DatabaseError, InterfaceError):
        return HttpResponse(render_to_string("webui/unavailable.html"))


def _dashboard(request: HttpRequest, window: Window) -> Dashboard:
    now = timezone.now()
    if request.user.is_authenticated:
        return dashboard(request.user, window, now)
    key = f"webui.dashboard.{window}"
    shown: Dashboard | None = cache.get(key)
    if shown is None:
        shown = dashboard(request.user, window, now)
        cache.set(key, shown, _SHOWN_SECONDS)
    return shown


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The same for what does not exist and for what the reader may not see."""
    if request.path.startswith("/api/"):
        return JsonResponse(
            {"detail": "There is nothing at this address; /api/v1/docs says what there is."}, status=404
        )
    return render(request, "webui/not_found.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For whoever is logged in, and may not."""
    return render(request, "webui/forbidden.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """What an error that nobody caught looks like; 503 when it is the database that does not answer."""
    error = sys.exc_info()[1]
    is_refusal = isinstance(error, DataError | IntegrityError | ProgrammingError)  # it answers, and that is our fault
    is_database = isinstance(error, DatabaseError | InterfaceError) and not is_refusal
    status = 503 if is_database else 500
    headers = {"Retry-After": _RETRY_AFTER_SECONDS} if is_database else None
    if request.path.startswith("/api/"):
        detail = "The database does not answer; try again." if is_database else "The hub failed; its log says more."
        return JsonResponse({"detail": detail}, status=status, headers=headers)
    page = "webui/unavailable.html" if is_database else "webui/error.html"
    return HttpResponse(render_to_string(page), status=status, headers=headers)
