"""Messages about webhooks, for operators without any."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from notifications.delivery.models import Notice
from webui.operations.doors import staff_page
from webui.operations.places import read_listing, read_place

MESSAGES_ON_A_PAGE = 50
SHOWN = 3
RECENT = timedelta(days=7)


@require_safe
@staff_page
def notices(request: HttpRequest) -> HttpResponse:
    """All that are kept, the latest first."""
    found = Notice.objects.select_related("endpoint").defer("endpoint__sealed")
    page = read_listing(found, read_place(request.GET.get("cursor", "")), MESSAGES_ON_A_PAGE)
    return render(request, "webui/operations/notices.html", {"page": page})


def latest_notices(now: datetime) -> Sequence[Notice]:
    """A few of the last days, the latest first. One query."""
    recent = Notice.objects.filter(created_at__gt=now - RECENT).select_related("endpoint").defer("endpoint__sealed")
    return list(recent.order_by("-id")[:SHOWN])
