"""Stopping and restarting an endpoint by hand; meanwhile its events wait in the log.

What the hub itself has disabled is restarted in the same way.
"""

from django.db import transaction

from notifications.delivery.models import Endpoint


def pause_endpoint(endpoint: Endpoint) -> None:
    """Send nothing more, within a moment: the sender looks at each save, the relay every few seconds."""
    _set(endpoint, is_paused=True)


def resume_endpoint(endpoint: Endpoint) -> None:
    """Go on where it stopped. Its failures are forgotten, so the next attempt is made at once."""
    _set(endpoint, is_paused=False, stopped_at=None, stop_reason="", next_try_at=None, **_NO_FAILURES)


_NO_FAILURES = {"consecutive_failures": 0, "event_failures": 0, "failing_seconds": 0.0, "alert_level": 0}


def _set(endpoint: Endpoint, **values: object) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value)
    with transaction.atomic():
        endpoint.save(update_fields=list(values))
