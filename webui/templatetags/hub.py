"""How pages write numbers and times."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@register.filter
def grouped(number: int) -> str:
    """48213 → 48,213."""
    return f"{number:,}"


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in the largest unit that fits: `4 s`, `12 min`, `3 h`, `8 d`."""
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


@register.filter
def spaced(window: str) -> str:
    """24h → 24 h, all → All."""
    return f"{window[:-1]} {window[-1]}" if window[0].isdigit() else window.capitalize()
