"""The pages of the hub."""

import sys

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone

from notifications.analytics.boards import WINDOWS, Window
from webui.panels import Dashboard, dashboard

_SHOWN_SECONDS = 5  # how old the page of the anonymous may be: probes of load balancers then cost next to nothing
_RETRY_AFTER_SECONDS = "1"


def home(request: HttpRequest) -> HttpResponse:
    """The dashboard. It is 200 even when the database is down: what asks for `/` wants to know whether we live."""
    asked = request.GET.get("window", "7d")
    window: Window = asked if asked in WINDOWS else "7d"
    try:
        context = {"dashboard": _dashboard(request, window), "windows": WINDOWS, "host": request.get_host()}
        return render(request, "webui/home.html", context)
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


def server_error(request: HttpRequest) -> HttpResponse:
    """What an error that nobody caught looks like; 503 when it is the database that does not answer."""
    is_database = isinstance(sys.exc_info()[1], DatabaseError | InterfaceError)
    status = 503 if is_database else 500
    headers = {"Retry-After": _RETRY_AFTER_SECONDS} if is_database else None
    if request.path.startswith("/api/"):
        detail = "The database does not answer; try again." if is_database else "The hub failed; its log says more."
        return JsonResponse({"detail": detail}, status=status, headers=headers)
    page = "webui/unavailable.html" if is_database else "webui/error.html"
    return HttpResponse(render_to_string(page), status=status, headers=headers)
