"""Answers of counters have an ETag: who asks again before anything was counted is told so, without the numbers.

It is made of the position of the counters, of what was asked and of who may see what. Windows move, numbers are counted
again and repositories change sides without the position, so that it holds for a minute at most.
"""

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.analytics.classify import RULE_VERSION
from notifications.analytics.counters import NAME
from notifications.log.models import Consumer
from registryhub.access.visibility import sight

SECONDS = 60


def position() -> int:
    """Up to which event has been counted. One query."""
    found: int | None = Consumer.objects.filter(name=NAME).values_list("position", flat=True).first()
    return found or 0


def etag_of(*parts: object) -> str:
    """Of what an answer depends on beside the counters."""
    minute = int(timezone.now().timestamp()) // SECONDS
    text = "\0".join(map(str, (RULE_VERSION, position(), minute, *parts)))
    return f'W/"{blake2b(text.encode(), digest_size=12).hexdigest()}"'


def answered_once(get: Callable[..., Response]) -> Callable[..., HttpResponseBase]:
    """A view's `get` that is not carried out for who has its answer; 404 and 403 are not told apart from it.

    Its view has `check(request, **names)`, which raises what the answer would be refused with.
    """

    @wraps(get)
    def answer(view: Any, request: Request, **names: Any) -> HttpResponseBase:
        view.check(request, **names)
        renderer = request.accepted_renderer.format
        etag = etag_of(request.get_full_path(), renderer, sight(request.user), request.user.pk)
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, Accept"}
        known = get_conditional_response(request, etag=etag)
        response = get(view, request, **names) if known is None else known
        for name, value in headers.items():
            response[name] = value
        return response

    return answer
