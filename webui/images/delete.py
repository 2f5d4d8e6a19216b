"""Deleting a tag, or a repository with everything in it: a page that asks first, and the deed."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from registryhub.access.visibility import sees_everything
from registryhub.oci.errors import OciError
from registryhub.registry import repositories, tags
from registryhub.registry.contexts import context_of
from registryhub.registry.models import Tag
from registryhub.registry.protect import require_deleting
from registryhub.registry.usage import measure_repository
from webui.images.facts import Facts, find_facts
from webui.operations.doors import staff_page

DELETING_SECONDS = 10.0

_METHODS = ["GET", "HEAD", "POST"]


def may_delete(request: HttpRequest, facts: Facts) -> bool:
    """Whether the reader is shown the way here: staff, of what is in this hub, where deleting is on."""
    return facts.is_hub and sees_everything(request.user) and not _refusal()


@require_http_methods(_METHODS)
@staff_page
def delete_repository(request: HttpRequest, name: str) -> HttpResponse:
    """Its numbers stay. What is huge takes several rounds: the page asks again."""
    facts = find_facts(request.user, name, "")
    if request.method != "POST":
        context = {"facts": facts, "size": measure_repository(facts.repository.pk), "refusal": _refusal()}
        return render(request, "webui/images/delete_repository.html", context)
    try:
        is_gone = repositories.delete(context_of(request), name, config=settings.HUB, seconds=DELETING_SECONDS)
    except OciError as error:
        messages.error(request, f"Not possible: {_words(error)}.")
        return redirect("webui:images-repository", name=name)
    if not is_gone:
        messages.warning(request, f"{name} is large and not all gone yet; delete it again to go on.")
        return redirect("webui:images-repository-delete", name=name)
    messages.success(request, f"{name} is deleted; its numbers stay.")
    return redirect("webui:images")


@require_http_methods(_METHODS)
@staff_page
def delete_tag(request: HttpRequest, name: str, tag: str) -> HttpResponse:
    """What it points at stays, by its digest."""
    facts = find_facts(request.user, name, "")
    if request.method != "POST":
        found = Tag.objects.filter(repository=facts.repository, name=tag).first()
        if found is None:
            raise Http404
        others = Tag.objects.filter(manifest=found.manifest_id).exclude(pk=found.pk).count()
        context = {"facts": facts, "tag": found, "others": others, "refusal": _refusal()}
        return render(request, "webui/images/delete_tag.html", context)
    try:
        require_deleting(settings.HUB)
        tags.delete(context_of(request), name, tag)
    except OciError as error:
        messages.error(request, f"Not possible: {_words(error)}.")
        return redirect("webui:images-tag", name=name, tag=tag)
    messages.success(request, f"The tag {tag} is deleted.")
    return redirect("webui:images-repository", name=name)


def _refusal() -> str:
    """Why nothing can be deleted; empty where it can."""
    try:
        require_deleting(settings.HUB)
    except OciError as error:
        return _words(error)
    return ""


def _words(error: OciError) -> str:
    return error.detail if isinstance(error.detail, str) else error.message
