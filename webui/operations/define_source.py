"""Making and changing sources, giving them new tokens and secrets, and deleting them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from notifications.receiver.sources import (
    SourceRefused,
    add_signing_source,
    add_source,
    change_source,
    delete_source,
    rotate_secret,
    rotate_token,
)
from registryhub.access.models import Source
from webui.operations.doors import require, staff_page
from webui.operations.source_forms import NewSourceForm, SourceForm
from webui.operations.sources import GRACES, find_source

_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
@staff_page
def new_source(request: HttpRequest) -> HttpResponse:
    """Its token or secret is shown on the next page."""
    require(request, "access.add_source")
    form = NewSourceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        proof, name = form.cleaned_data["proof"], form.cleaned_data["name"]
        try:
            if proof == "token":
                made, shown = add_source(name, **form.settings())
            else:
                made, shown = add_signing_source(name, secret=form.cleaned_data["secret"], **form.settings())
        except SourceRefused as error:
            form.add_error("secret" if "secret has" in str(error) else "name", str(error))
        else:
            messages.success(request, f"{made.name} is made.")
            _show(request, proof, shown)
            return redirect("webui:sources-source", name=made.name)
    return _form(request, form, None)


@require_http_methods(_METHODS)
@staff_page
def edit_source(request: HttpRequest, name: str) -> HttpResponse:
    """Its name stays: its repositories and numbers hang on it."""
    require(request, "access.change_source")
    source = find_source(name)
    form = SourceForm(request.POST if request.method == "POST" else None, initial=SourceForm.shown(source))
    if form.is_valid():
        change_source(source, **form.settings())
        messages.success(request, f"{source.name} is saved.")
        return redirect("webui:sources-source", name=source.name)
    return _form(request, form, source)


@require_POST
@staff_page
def rotate_source(request: HttpRequest, name: str) -> HttpResponse:
    """A new token or secret, shown once; the old ones go on for a while."""
    require(request, "access.change_source")
    source = find_source(name)
    grace = GRACES.get(request.POST.get("grace", ""), GRACES["day"])
    try:
        if request.POST.get("proof") == "secret":
            _show(request, "secret", rotate_secret(source, grace_seconds=grace, secret=request.POST.get("secret", "")))
        else:
            _show(request, "token", rotate_token(source, grace_seconds=grace))
    except SourceRefused as error:
        messages.error(request, str(error))
    return redirect("webui:sources-source", name=source.name)


@require_POST
@staff_page
def remove_source(request: HttpRequest, name: str) -> HttpResponse:
    """Only for whoever types its name, and only while nothing counts that it has sent."""
    require(request, "access.delete_source")
    source = find_source(name)
    if request.POST.get("name") != source.name:
        messages.error(request, f"Nothing was deleted: type the name {source.name} beside the button.")
        return redirect("webui:sources-source", name=source.name)
    try:
        delete_source(source)
    except SourceRefused as error:
        messages.error(request, str(error))
        return redirect("webui:sources-source", name=source.name)
    messages.success(request, f"{source.name} is deleted.")
    return redirect("webui:sources")


def _show(request: HttpRequest, proof: str, text: str) -> None:
    messages.warning(request, f"Its {proof}, shown this once: {text}")


def _form(request: HttpRequest, form: SourceForm, source: Source | None) -> HttpResponse:
    context = {"form": form, "source": source}
    return render(request, "webui/operations/define_source.html", context, status=422 if form.errors else 200)
