"""Making and changing endpoints, giving them new secrets, and deleting them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from notifications.delivery.definitions.changes import (
    Configured,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)
from notifications.delivery.definitions.typed import BadEndpoint, show
from notifications.delivery.models import Endpoint
from notifications.delivery.rest.endpoint_documents import read_typed
from registryhub.access.sealing import Unsealable
from webui.operations.doors import require, staff_page
from webui.operations.endpoint_forms import EndpointForm
from webui.operations.endpoint_preview import Trial, try_out

OVERLAPS = {"day": 86_400.0, "week": 7 * 86_400.0, "hour": 3600.0, "none": 0.0}
"""How long old secrets go on signing beside a new one."""

_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
@staff_page
def new_endpoint(request: HttpRequest) -> HttpResponse:
    """One that is told of pushes from now on."""
    require(request, "delivery.add_endpoint")
    data = request.POST if request.method == "POST" else None
    form = EndpointForm(data, settings={}, is_new=True)
    if "preview" in request.POST:
        return _form(request, form, None, trial=try_out(form))
    if form.is_valid():
        document = {**form.changes(), "name": form.cleaned_data["name"]}
        try:
            endpoint, secret = create_endpoint(document, start=form.cleaned_data["start"] or "head")
        except BadEndpoint as error:
            form.refuse(error.problems)
        else:
            messages.success(request, f"{endpoint.name} is made; a relay takes it up within moments.")
            _show_secret(request, secret)
            return redirect("webui:webhooks-endpoint", name=endpoint.name)
    return _form(request, form, None)


@require_http_methods(_METHODS)
@staff_page
def edit_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """What is masked in the form stays as it is. An endpoint of `config.yml` leads back to its page."""
    require(request, "delivery.change_endpoint")
    endpoint = get_object_or_404(Endpoint, pk=pk)
    typed = read_typed(endpoint)
    if typed is None and request.method != "POST":
        messages.error(request, _why_unreadable(endpoint))
        if endpoint.is_configured:
            return redirect("webui:webhooks-endpoint", name=endpoint.name)
    data = request.POST if request.method == "POST" else None
    form = EndpointForm(data, settings=show(typed.document) if typed else {}, is_new=False)
    if "preview" in request.POST:
        return _form(request, form, endpoint, trial=try_out(form))
    if form.is_valid():
        with _told(request):
            try:
                _show_secret(request, change_endpoint(endpoint, form.changes()))
            except BadEndpoint as error:
                form.refuse(error.problems)
            else:
                messages.success(request, f"{endpoint.name} is saved; what is sent follows within moments.")
        if not form.errors:
            return redirect("webui:webhooks-endpoint", name=endpoint.name)
    return _form(request, form, endpoint)


@require_POST
@staff_page
def new_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Shown once; the old ones go on signing for a while."""
    require(request, "delivery.change_endpoint")
    endpoint = get_object_or_404(Endpoint, pk=pk)
    overlap = OVERLAPS.get(request.POST.get("overlap", ""), OVERLAPS["day"])
    with _told(request):
        _show_secret(request, rotate_secret(endpoint, overlap_seconds=overlap))
    return redirect("webui:webhooks-endpoint", name=endpoint.name)


@require_POST
@staff_page
def remove_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Only for whoever types its name."""
    require(request, "delivery.delete_endpoint")
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.POST.get("name") != endpoint.name:
        messages.error(request, f"Nothing was deleted: type the name {endpoint.name} beside the button.")
        return redirect("webui:webhooks-endpoint", name=endpoint.name)
    with _told(request):
        delete_endpoint(endpoint)
        messages.success(request, f"{endpoint.name} is deleted.")
        return redirect("webui:webhooks")
    return redirect("webui:webhooks-endpoint", name=endpoint.name)


@contextmanager
def _told(request: HttpRequest) -> Iterator[None]:
    """What cannot be done is said on the next page."""
    try:
        yield
    except (Configured, Unsealable) as error:
        messages.error(request, f"Not possible: {error}.")


def _show_secret(request: HttpRequest, secret: str) -> None:
    if secret:
        messages.warning(request, f"Its secret, shown this once: {secret}")


def _why_unreadable(endpoint: Endpoint) -> str:
    if endpoint.is_configured:
        return f"{endpoint.name} is an endpoint of config.yml: change it there."
    return "The settings were encrypted under another SECRET_KEY; enter them again."


def _form(
    request: HttpRequest, form: EndpointForm, endpoint: Endpoint | None, *, trial: Trial | None = None
) -> HttpResponse:
    """With what would be sent, if that was asked for."""
    context = {"form": form, "endpoint": endpoint, "trial": trial}
    status = 422 if form.errors and trial is None else 200
    return render(request, "webui/operations/define_endpoint.html", context, status=status)
