"""How a number comes about: by which rules, up to which event, and which events are behind it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request

from notifications.analytics.classify import RULE_VERSION
from notifications.analytics.spans import Span
from notifications.analytics.unchanged import position
from registryhub.access.models import Source


def explain(request: Request, source: Source | None, names: Sequence[str], span: Span | None) -> dict[str, Any]:
    """What answers of the REST API say of their numbers. One query."""
    return {
        "rule": RULE_VERSION,
        "rules": request.build_absolute_uri("/counting"),
        "counted_to": position(),
        "events": events_link(request, source, names, span),
    }


def events_link(request: Request, source: Source | None, names: Sequence[str], span: Span | None = None) -> str:
    """The log, as far as it is behind the numbers: of one repository, or of the source."""
    asked: dict[str, str] = {"source": source.name} if source else {}
    if len(names) == 1:
        asked["repository"] = names[0]
    if span is not None:
        asked["since"] = span.first.isoformat()
    return request.build_absolute_uri("/api/v1/events?" + urlencode(asked))
