"""`/repositories/<name>`: one repository, its tags and what became of them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from notifications.analytics.scope import Scope
from notifications.analytics.windows import WINDOWS
from registryhub.registry.repositories import is_empty
from registryhub.registry.usage import measure_repository
from webui.exchange import exchanged
from webui.images.asked import SEEN_TAG_CHOICES, TAG_CHOICES, read_asked, read_source
from webui.images.delete import may_delete
from webui.images.facts import Facts, find_facts
from webui.images.history import read_history
from webui.images.tags import TagLines, most_pulled_tags, read_tags
from webui.images.users import read_users
from webui.panels.activity import read_chart
from webui.panels.windows import in_words, parse_window


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def repository(request: HttpRequest, name: str) -> HttpResponse:
    """The page, or its chart alone."""
    facts = find_facts(request.user, name, read_source(request))
    context = chart_context(request, facts)
    if exchanged(request) == "pulls":
        return render(request, "webui/images/chart.html", context)
    choices = TAG_CHOICES if facts.is_hub else SEEN_TAG_CHOICES
    asked = read_asked(request, choices)
    tags = read_tags(facts, asked)
    context |= {
        "facts": facts,
        "asked": asked,
        "choices": choices,
        "tags": tags,
        "command": _command(request, facts, tags),
        "leaders": most_pulled_tags(facts),
        "users": read_users(facts, context["window"], timezone.now()),
        "history": read_history(facts.repository),
        "may_delete": may_delete(request, facts) and not is_empty(facts.repository.pk),
        "size": measure_repository(facts.repository.pk) if facts.is_hub else None,
    }
    return render(request, "webui/images/repository.html", context)


def chart_context(request: HttpRequest, facts: Facts, tag: str = "") -> dict[str, Any]:
    """The chart of a repository, or of one of its tags. One query."""
    window = parse_window(request.GET.get("window", ""))
    only_this = Scope((facts.repository.pk,))
    points, chart = read_chart(only_this, window, timezone.now(), tag, facts.first_counted)
    summary = f"{sum(point.pulls for point in points):,} · {in_words(window)}"
    return {"window": window, "windows": WINDOWS, "chart": chart, "summary": summary}


def _command(request: HttpRequest, facts: Facts, tags: TagLines) -> str:
    """What pulls the first tag of the page; "" for what is not here."""
    return facts.pull_command(request, f":{tags.lines[0].row['name']}") if facts.is_hub and tags.lines else ""
