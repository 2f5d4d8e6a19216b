"""`/repositories`: the images one may see."""

from datetime import timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.analytics.spans import Span
from registryhub.access.models import Repository
from registryhub.access.visibility import visible_repositories
from registryhub.database.keyset import InvalidCursor, Page
from registryhub.registry.numbers import repository_page
from webui.images.asked import REPOSITORY_CHOICES, Asked, read_asked
from webui.operations.event_filter import visible_sources
from webui.panels.board import sparks

REPOSITORIES_ON_A_PAGE = 50
SPARK_DAYS = 30


@require_safe
def repositories(request: HttpRequest) -> HttpResponse:
    """A page of them, with a small line of the last month each."""
    asked = read_asked(request, REPOSITORY_CHOICES)
    found = visible_repositories(request.user)
    if asked.source:
        found = found.filter(source__name=asked.source)
    page = _read_page(found, asked)
    now = timezone.now()
    lines = sparks((row["id"] for row in page.rows), Span("day", now - timedelta(days=SPARK_DAYS), now))
    context = {
        "asked": asked,
        "choices": REPOSITORY_CHOICES,
        "page": page,
        "rows": [row | {"spark": lines[row["id"]]} for row in page.rows],
        "sources": list(visible_sources(request.user).order_by("name").values_list("name", flat=True)),
    }
    return render(request, "webui/images/repositories.html", context)


def _read_page(found: QuerySet[Repository], asked: Asked) -> Page:
    """The first page for a cursor of another listing: whoever changed the order by hand wants the list."""
    search = asked.search.lower()
    for cursor in (asked.cursor, ""):
        try:
            return repository_page(
                found,
                search=search,
                ordering=asked.order,
                cursor=cursor,
                limit=REPOSITORIES_ON_A_PAGE,
                is_of_many_sources=True,
            )
        except InvalidCursor:
            continue
    raise AssertionError("the empty cursor is valid")
