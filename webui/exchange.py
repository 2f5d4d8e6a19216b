"""Parts of a page that a click exchanges when there is script; the same address is a whole page without."""

from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def exchanged(request: HttpRequest) -> str:
    """The id of the part that is asked for, "" for the whole page."""
    htmx = cast(HtmxDetails, request.htmx)  # type: ignore[attr-defined]  # set by its middleware
    return "" if not htmx or htmx.history_restore_request else htmx.target or ""
