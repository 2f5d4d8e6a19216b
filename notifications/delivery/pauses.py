"""Stopping and restarting an endpoint by hand; meanwhile its events wait in the log."""

from django.db import transaction

from notifications.delivery.models import Endpoint


def pause_endpoint(endpoint: Endpoint) -> None:
    """Send nothing more, within a moment: the sender looks at each save, the relay every few seconds."""
    _set(endpoint, is_paused=True)


def resume_endpoint(endpoint: Endpoint) -> None:
    """Go on where it stopped. Its failures are forgotten, so the next attempt is made at once."""
    _set(endpoint, is_paused=False, consecutive_failures=0, next_try_at=None)


def _set(endpoint: Endpoint, **values: object) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value)
    with transaction.atomic():
        endpoint.save(update_fields=list(values))
