"""`/keeping/verdicts`: what the rules would do with each tag."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registryhub.database.keyset import InvalidCursor
from registryhub.registry.keeping.preview import VerdictPage, measure_effect, preview
from registryhub.registry.keeping.verdicts import Rule, load_rules
from webui.operations.doors import staff_page

VERDICTS_ON_A_PAGE = 50

CHOICES = {"delete": "Would go", "keep": "Kept", "all": "All"}
_IS_KEPT = {"delete": False, "keep": True, "all": None}


@require_safe
@staff_page
def verdicts(request: HttpRequest) -> HttpResponse:
    """A page of them. The first page for a cursor of other rules."""
    asked = request.GET.get("verdict", "delete")
    shown = asked if asked in CHOICES else "delete"
    context = {
        "page": _read(load_rules(), shown, request.GET.get("cursor", "")),
        "verdict": shown,
        "choices": CHOICES,
    }
    return render(request, "webui/keeping/verdicts.html", context)


@require_safe
@staff_page
def effect(request: HttpRequest) -> HttpResponse:
    """The sum of them in a sentence, for a page that is there already: it takes longer than that page."""
    return render(request, "webui/keeping/effect.html", {"effect": measure_effect(load_rules())})


def _read(rules: tuple[Rule, ...], verdict: str, cursor: str) -> VerdictPage:
    is_kept = _IS_KEPT[verdict]
    try:
        return preview(rules, is_kept=is_kept, cursor=cursor, limit=VERDICTS_ON_A_PAGE)
    except InvalidCursor:
        return preview(rules, is_kept=is_kept, cursor="", limit=VERDICTS_ON_A_PAGE)
