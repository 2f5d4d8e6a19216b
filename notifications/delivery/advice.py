"""What the doctor should know of endpoints beyond their positions in the log, for settings.CONSUMER_ADVICE."""

import math
from datetime import datetime

from django.utils import timezone
from django.utils.timesince import timesince

from notifications.delivery.models import Endpoint
from notifications.log.doctor.advice import Advice, Advices

State = Endpoint.State
_RESUME = "Resume it on its page, or by POST /api/v1/endpoints/<id>/resume."


def read_advice() -> Advices:
    """Of each endpoint, by the name of its consumer; one that is no longer configured is left out."""
    now = timezone.now()
    return {row.consumer_name: _advise(row, now) for row in Endpoint.objects.order_by("name")}


def _advise(endpoint: Endpoint, now: datetime) -> Advice | None:
    title, state = f"endpoint {endpoint.name}", endpoint.state
    if state == State.ABSENT:
        return None
    if state == State.PAUSED:
        return Advice(title, "paused by an operator, its events wait in the log", "stopped", mend=_RESUME)
    if state == State.DISABLED and endpoint.stopped_at is None:
        return Advice(title, "disabled by its settings", "skipped")
    if state == State.DISABLED:
        words = f"disabled by the hub: {endpoint.stop_reason}"
        return Advice(title, words, "stopped", mend=f"Mend the receiver. {_RESUME}")
    if state == State.DELIVERING:
        return Advice(title, _how_it_does(endpoint, now))
    return _failing(title, endpoint, now)


def _how_it_does(endpoint: Endpoint, now: datetime) -> str:
    if endpoint.last_success_at is None:
        return "nothing waits for it, and nothing was sent to it yet"
    return f"nothing waits for it; it last accepted an event {timesince(endpoint.last_success_at, now)} ago"


def _failing(title: str, endpoint: Endpoint, now: datetime) -> Advice:
    seconds = math.ceil(endpoint.retry_in_seconds(now))
    again = f"in {seconds} s" if endpoint.state == State.BACKING_OFF else "at once"
    words = f"{endpoint.consecutive_failures} attempts in a row have failed: {endpoint.last_error}; next try {again}"
    mend = f"See that {endpoint.url} accepts events with a status of 2xx; what waits is kept and sent then."
    return Advice(title, words, is_in_trouble=True, mend=mend)
