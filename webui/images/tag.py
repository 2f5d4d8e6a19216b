"""`/repositories/<name>/-/tags/<tag>`: what a tag points at, who pulls it, and what it pointed at before."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from notifications.analytics.models import TagTotals
from registryhub.oci.configs import ImageConfig
from registryhub.oci.manifests import Descriptor
from registryhub.registry.drivers import configured_driver
from registryhub.registry.images import Image, read_config, read_images
from registryhub.registry.models import Tag
from webui.exchange import exchanged
from webui.images.asked import read_source
from webui.images.delete import may_delete
from webui.images.facts import Facts, find_facts
from webui.images.history import read_history
from webui.images.repository import chart_context


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and the command that made it if the configuration says so."""

    descriptor: Descriptor
    command: str


@dataclass(frozen=True, slots=True)
class Content:
    """What the tag points at; an index has neither configuration nor layers of its own."""

    image: Image
    config: ImageConfig | None
    layers: Sequence[Layer]


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def tag(request: HttpRequest, name: str, tag: str) -> HttpResponse:
    """The page, or its chart alone."""
    facts = find_facts(request.user, name, read_source(request))
    context = chart_context(request, facts, tag)
    if exchanged(request) == "pulls":
        return render(request, "webui/images/chart.html", context)
    found = Tag.objects.filter(repository=facts.repository, name=tag).first()
    totals = TagTotals.objects.filter(repository=facts.repository, tag=tag).first()
    if found is None and totals is None:
        raise Http404
    context |= {
        "facts": facts,
        "tag": found,
        "name": tag,
        "totals": totals or TagTotals(),
        "content": read_content(facts, found) if found else None,
        "history": read_history(facts.repository, tag),
        "may_delete": found is not None and may_delete(request, facts),
        "commands": [facts.pull_command(request, f":{tag}"), facts.pull_command(request, f"@{found.digest}")]
        if found
        else [],
    }
    return render(request, "webui/images/tag.html", context)


def read_content(facts: Facts, tag: Tag) -> Content | None:
    """Four queries at most; None when it cannot be read."""
    driver = configured_driver()
    image = read_images(facts.repository.pk, [tag.digest], driver).get(tag.digest)
    if image is None:
        return None
    manifest = image.variants[0].manifest if not image.is_index else None
    if manifest is None:
        return Content(image, None, ())
    config = read_config(facts.repository.pk, manifest, driver)
    commands = [*(config.layer_commands if config else ()), *[""] * len(manifest.layers)]
    layers = [Layer(layer, command) for layer, command in zip(manifest.layers, commands, strict=False)]
    return Content(image, config, layers)
