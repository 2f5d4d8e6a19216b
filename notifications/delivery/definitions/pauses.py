"""Stopping and restarting an endpoint by hand; meanwhile its events wait in the log.

What the hub itself has disabled is restarted in the same way. What waited is sent then, or skipped.
"""

from typing import NamedTuple

from django.db import transaction

from notifications.delivery.backlog import Backlog, measure_backlogs
from notifications.delivery.models import Endpoint
from notifications.delivery.sending.notices import Notices
from notifications.log.places import jump, lock_place


class Skipped(NamedTuple):
    """How many events were skipped; at most so many where they were too many to look at each."""

    events: int = 0
    is_exact: bool = True


def pause_endpoint(endpoint: Endpoint) -> None:
    """Send nothing more, within a moment: the sender looks at each save, the relay every few seconds."""
    _set(endpoint, is_paused=True)


def resume_endpoint(endpoint: Endpoint) -> None:
    """Go on where it stopped. Its failures are forgotten, so the next attempt is made at once."""
    _set(endpoint, is_paused=False, stopped_at=None, stop_reason="", next_try_at=None, **_NO_FAILURES)


def skip_and_resume(endpoint: Endpoint, *, by: str) -> Skipped:
    """Go on with the next event that comes into the log. What waited is never sent, which a message says.

    A sender that still runs loses its place, so that it cannot move back what was skipped.
    """
    with transaction.atomic():
        lock_place(endpoint.consumer_name)
        backlog = measure_backlogs([endpoint])[endpoint.pk]
        if backlog.position is not None and backlog.behind:
            jump(endpoint.consumer_name, backlog.position + backlog.behind)
            _tell(endpoint, backlog, by)
        resume_endpoint(endpoint)
    return Skipped(backlog.pending, backlog.is_exact)


def _tell(endpoint: Endpoint, backlog: Backlog, by: str) -> None:
    first = (backlog.position or 0) + 1
    count = f"{'' if backlog.is_exact else 'at most '}{backlog.pending} of the events {first} to"
    text = f"{by} has skipped what waited: {count} {first - 1 + backlog.behind} of the log are never sent"
    notices = Notices(endpoint)
    notices.changed(text)
    notices.save()


_NO_FAILURES = {"consecutive_failures": 0, "event_failures": 0, "failing_seconds": 0.0, "alert_level": 0}


def _set(endpoint: Endpoint, **values: object) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value)
    with transaction.atomic():
        endpoint.save(update_fields=list(values))
