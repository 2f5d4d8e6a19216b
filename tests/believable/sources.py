"""What came from elsewhere: a mirror whose clock is wrong, a forge that signs, and what could not be read of both."""

from datetime import datetime, timedelta

from notifications.log.models import QuarantinedEvent, SourceTally
from notifications.receiver.sources import add_signing_source, add_source, rotate_token
from registryhub.access.models import Source

_UNREAD = (
    ("target.repository: missing", b'{"id": "b1f4", "action": "pull", "target": {}}', 11),
    ("target.repository: missing", b'{"id": "b1f5", "action": "pull", "target": {"tag": "12.9"}}', 12),
    ("late: it is of 2025-03-01T12:00:00Z, and ids are remembered since 2026-10-24T00:00:00Z", b"{}", 300),
)


def fill_sources(now: datetime) -> None:
    """After the images, whose sources are there by then."""
    mirror = Source.objects.get(name="frankfurt")
    rotate_token(mirror)
    rotate_token(mirror, grace_seconds=86_400)
    forge = add_signing_source("forge.example.org", events_per_second=50, is_public=True)[0]
    add_source("edge.example.org:5000")
    _tell(mirror, now, events=48_213, duplicates=17, quarantined=3, offset_seconds=840.0)
    _tell(forge, now, events=912, duplicates=2, offset_seconds=-1.5)
    for reason, raw, minutes in _UNREAD:
        came = now - timedelta(minutes=minutes)
        QuarantinedEvent.objects.create(source=mirror, kind="distribution", raw=raw, reason=reason, received_at=came)
    QuarantinedEvent.objects.create(
        source=mirror,
        raw=b'{"id": "b0a1"}',
        reason="action: None is none of check, delete, mount, notice, pull, push",
        received_at=now - timedelta(days=2),
        discarded_at=now - timedelta(days=1),
        discarded_by="admin",
        remark="tried out by hand",
    )


def _tell(source: Source, now: datetime, **fields: float) -> None:
    came = now - timedelta(minutes=4)
    happened = came + timedelta(seconds=fields.get("offset_seconds", 0))
    SourceTally.objects.create(
        source=source, last_received_at=came, last_occurred_at=happened, offset_at=came, **fields
    )
