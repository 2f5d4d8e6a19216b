"""The tags of a repository: a page of them, and what each one points at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from notifications.analytics.models import TagTotals
from registryhub.database.keyset import InvalidCursor, Page
from registryhub.registry.drivers import configured_driver
from registryhub.registry.images import Image, read_images
from registryhub.registry.keeping import immutability
from registryhub.registry.numbers import seen_tag_page, tag_page
from webui.images.asked import Asked
from webui.images.facts import Facts

TAGS_ON_A_PAGE = 25
LEADERS = 5


@dataclass(frozen=True, slots=True)
class TagLine:
    """A tag with its numbers; `image` is None for what is not here or cannot be read."""

    row: dict[str, Any]
    image: Image | None
    is_immutable: bool


@dataclass(frozen=True, slots=True)
class TagLines:
    """A page, with the cursors of the ones beside it."""

    lines: Sequence[TagLine]
    cursor: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class TagShare:
    """One of the most pulled; `share` is its part of the first one's pulls, in percent."""

    tag: str
    pulls: int
    share: int


def read_tags(facts: Facts, asked: Asked) -> TagLines:
    """Five queries at most. The first page for a cursor of another listing."""
    try:
        page = _read_page(facts, asked, asked.cursor)
    except InvalidCursor:
        page = _read_page(facts, asked, "")
    images = read_images(facts.repository.pk, _digests(page), configured_driver()) if facts.is_hub else {}
    rules = immutability.rules_for(facts.repository.name) if facts.is_hub else ()
    lines = [
        TagLine(row, images.get(row.get("digest", "")), immutability.holding(rules, row["name"]) is not None)
        for row in page.rows
    ]
    return TagLines(lines, page.cursor, page.previous)


def most_pulled_tags(facts: Facts) -> Sequence[TagShare]:
    """Since the beginning. One query."""
    totals = TagTotals.objects.filter(repository=facts.repository, pulls__gt=0).order_by("-pulls", "tag")
    found = list(totals.values_list("tag", "pulls")[:LEADERS])
    return [TagShare(tag, pulls, round(100 * pulls / found[0][1])) for tag, pulls in found]


def _read_page(facts: Facts, asked: Asked, cursor: str) -> Page:
    read = tag_page if facts.is_hub else seen_tag_page
    return read(facts.repository.pk, search=asked.search, ordering=asked.order, cursor=cursor, limit=TAGS_ON_A_PAGE)


def _digests(page: Page) -> set[str]:
    return {row["digest"] for row in page.rows}
