"""Making and changing a service. Only superusers: whoever can define one can become root on its host."""

from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from deployer.definitions import define
from deployer.models import Service
from registryhub.access.sealing import Unsealable
from webui.operations.doors import superuser_page
from webui.operations.rule_forms import read_rules, rule_forms
from webui.operations.service_forms import FORMS, SettingsForm

_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
@superuser_page
def new_service(request: HttpRequest, kind: str) -> HttpResponse:
    """A service of a kind."""
    if kind not in FORMS:
        raise Http404
    return _edit(request, Service(kind=kind), "")


@require_http_methods(_METHODS)
@superuser_page
def change_service(request: HttpRequest, name: str) -> HttpResponse:
    """What runs already is left alone until the next deployment."""
    return _edit(request, get_object_or_404(Service, name=name), name)


def _edit(request: HttpRequest, service: Service, name: str) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = FORMS[service.kind](data, instance=service)
    rules = rule_forms(data, service)
    is_right = data is not None and all([form.is_valid(), rules.is_valid()])
    if is_right and _save(request, service, form, rules):
        return redirect("webui:services-service", name=service.name)
    context = {"form": form, "rules": rules, "kind": service.kind, "name": name}
    return render(request, "webui/operations/define_service.html", context, status=200 if data is None else 422)


def _save(request: HttpRequest, service: Service, form: SettingsForm, rules: object) -> bool:
    """Whether it is saved; why not is an error of the form."""
    definition = replace(form.definition(), rules=read_rules(rules))
    try:
        key = define(service, definition)
    except Unsealable as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{service.name} is saved; what runs changes with the next deployment.")
    if key:
        messages.warning(request, f"The key of its signature, shown this once: {key}")
    return True
