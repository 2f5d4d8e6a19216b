"""Making, trying, changing and removing rules and quotas."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from registryhub.registry.keeping import changes
from registryhub.registry.keeping.models import RetentionRule
from registryhub.registry.keeping.preview import Effect, measure_effect, preview
from registryhub.registry.keeping.verdicts import Verdict, load_rules, read_rule, with_rule, without_rule
from webui.keeping.forms import KINDS, Kind
from webui.operations.doors import require, staff_page

SHOWN_VERDICTS = 20

_METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What all rules would do with the one of the form; the first of the tags that would go."""

    effect: Effect
    going: Sequence[Verdict]


@require_http_methods(_METHODS)
@staff_page
def new_row(request: HttpRequest, kind: str) -> HttpResponse:
    """A rule or a quota."""
    found = _kind(kind)
    require(request, f"keeping.add_{found.permission}")
    return _edit(request, found, found.model())


@require_http_methods(_METHODS)
@staff_page
def change_row(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """One that is there."""
    found = _kind(kind)
    require(request, f"keeping.change_{found.permission}")
    return _edit(request, found, get_object_or_404(found.model, pk=pk))


@require_POST
@staff_page
def delete_row(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Forget it."""
    found = _kind(kind)
    require(request, f"keeping.delete_{found.permission}")
    row = get_object_or_404(found.model, pk=pk)
    changes.remove(row)
    messages.success(request, f"The {found.title} {row} is gone.")
    return redirect("webui:keeping")


def _edit(request: HttpRequest, kind: Kind, row: changes.Row) -> HttpResponse:
    """`try` in what is sent shows what a rule of retention would do, and saves nothing."""
    name, data = str(row) if row.pk else "", request.POST if request.method == "POST" else None
    form = kind.form(data, instance=row)
    is_trial = data is not None and "try" in data
    if form.is_valid() and not is_trial:
        changes.save(row)
        messages.success(request, f"The {kind.title} {row} is saved.")
        return redirect("webui:keeping")
    is_refused = data is not None and not form.is_valid()
    context = {
        "form": form,
        "kind": kind,
        "name": name,
        "row": row,
        "may_try": isinstance(row, RetentionRule),
        "may_delete": bool(row.pk) and request.user.has_perm(f"keeping.delete_{kind.permission}"),
        "trial": _try(row, name) if is_trial and not is_refused and isinstance(row, RetentionRule) else None,
    }
    return render(request, "webui/keeping/edit.html", context, status=422 if is_refused else 200)


def _try(row: RetentionRule, name: str) -> Trial:
    """Instead of the rule as it is saved under its name of before."""
    others = without_rule(load_rules(), name)
    rules = with_rule(others, read_rule(row)) if row.is_enabled else others
    going = preview(rules, is_kept=False, cursor="", limit=SHOWN_VERDICTS)
    return Trial(measure_effect(rules), going.verdicts)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]
