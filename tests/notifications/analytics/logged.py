"""Events of the log to count."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from notifications.analytics.counters import count
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID

NOON = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_numbers = itertools.count(1)


def logged(action: str = "pull", repository: str = "app/web", tag: str = "latest", **changes: Any) -> LoggedEvent:
    """A manifest event of this hub at NOON, received ten minutes later."""
    seq = next(_numbers)
    occurred_at = changes.pop("occurred_at", NOON)
    event = LoggedEvent(
        seq=seq,
        source_id=HUB_SOURCE_ID,
        event_id=f"e-{seq}",
        occurred_at=occurred_at,
        received_at=changes.pop("received_at", occurred_at + timedelta(minutes=10)),
        action=action,
        repository=repository,
        tag=tag,
        digest=f"sha256:{'a' * 64}",
        media_type=OCI_MANIFEST,
        size=442,
        actor="",
        address="10.0.0.1:5000",
        user_agent="docker/27",
        method="GET" if action == "pull" else "",
        from_repository="",
        raw="{}",
    )
    return event._replace(**changes)


def counted(*events: LoggedEvent) -> None:
    """As the relay does: a batch in a transaction."""
    with transaction.atomic():
        count(events)
