"""How pages write numbers, times and digests, and the navigation they share."""

from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.template.context import Context
from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_NAME
from webui.navigation import section_name, sections_for
from webui.panels.windows import in_words

register = template.Library()
register.filter("in_words", in_words)

_UNITS = ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min"))
_DIGEST_CHARACTERS = 12


@register.filter
def grouped(number: int) -> str:
    """48213 → 48,213."""
    return f"{number:,}"


@register.filter
def counted(number: int, words: str) -> str:
    """With `repository,repositories`: 1 repository, 2,000 repositories."""
    one, _, many = words.partition(",")
    return f"{number:,} {one if number == 1 else many}"


@register.filter
def sized(number: int) -> str:
    """Bytes as people say them, by thousands: 41200000 → 41.2 MB."""
    if number < 1000:
        return f"{number} B"
    amount = float(number)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:,.1f} PB"


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in the largest unit that fits: `4 s`, `12 min`, `3 h`, `8 d`, `2 y`."""
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


@register.filter
def spaced(window: str) -> str:
    """24h → 24 h, all → All."""
    return f"{window[:-1]} {window[-1]}" if window[0].isdigit() else window.capitalize()


@register.filter
def percent(share: float) -> str:
    """18.0 → 18 %, 3.24 → 3.2 %."""
    return f"{share:.0f} %" if share >= 10 or share == round(share) else f"{share:.1f} %"


@register.filter
def short(digest: object) -> str:
    """sha256:9f2c4e81b0aa… → 9f2c4e81b0aa."""
    return str(digest).partition(":")[2][:_DIGEST_CHARACTERS] or str(digest)


@register.simple_tag
def repository_url(name: str, source: str = HUB_SOURCE_NAME) -> str:
    """The page of a repository; that of another registry's says whose it is."""
    query = "" if source == HUB_SOURCE_NAME else "?" + urlencode({"source": source})
    return f"/repositories/{quote(name)}{query}"


@register.simple_tag
def tag_url(name: str, source: str, tag: str) -> str:
    """The page of a tag; `-` is no valid part of a name."""
    path, mark, query = repository_url(name, source).partition("?")
    return f"{path}/-/tags/{quote(tag)}{mark}{query}"


@register.inclusion_tag("webui/parts/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The sections the reader may go to; works without a request and without a database too."""
    request = context.get("request")
    match = request.resolver_match if request else None
    return {"sections": sections_for(context.get("user")), "current": section_name(match)}
