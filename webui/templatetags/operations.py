"""How the pages about events, webhooks, services and deployments write what they show."""

import re

from django import template

from notifications.delivery.sending.notice_events import subject_of

register = template.Library()

_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")
_TONES = {"push": "push", "pull": "pull", "check": "still", "mount": "ok", "delete": "bad", "notice": "wait"}


@register.filter
def action_tone(action: str) -> str:
    """The colour of an action's dot."""
    return _TONES.get(action, "still")


@register.filter
def notice_tone(kind: str) -> str:
    """The colour of a message's dot."""
    return {"alert": "wait", "disabled": "bad", "recovered": "ok"}.get(kind, "still")


@register.filter
def noticed_endpoint(repository: str) -> str:
    """The name of the endpoint that an event of the action `notice` is about."""
    return repository.removeprefix(subject_of(""))


@register.filter
def brief(text: str) -> str:
    """A sentence with its digests short."""
    return _DIGEST.sub(r"\1", text)


@register.filter
def as_text(raw: bytes | memoryview) -> str:
    """Bytes that came from outside; those that are no text are written as escapes."""
    return bytes(raw).decode(errors="backslashreplace")


@register.filter
def lasting(seconds: float) -> str:
    """A span of time: 0.04 → 40 ms, 3.24 → 3.2 s, 11.3 → 11 s, 125 → 2 min 5 s, 7300 → 2 h 1 min."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
