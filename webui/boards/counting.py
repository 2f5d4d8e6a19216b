"""`/counting`: the public definition of every number, as docs/counting.md has it."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from notifications.analytics.classify import RULE_VERSION
from webui.boards.prose import Block, read_prose


@require_safe
def counting(request: HttpRequest) -> HttpResponse:
    """For everybody."""
    return render(request, "webui/boards/counting.html", {"blocks": _blocks(), "version": RULE_VERSION})


@cache
def _blocks() -> list[Block]:
    return read_prose((settings.BASE_DIR / "docs" / "counting.md").read_text())
