"""Grace periods of what nothing refers to: renewed for clients that ask before they push, but not at each question."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone


def is_aging(touched_at: datetime | str) -> bool:
    """Whether a quarter of the grace period has passed, so that it is worth a write to begin it anew.

    `touched_at` is as a look-up gives it: text in UTC on SQLite.
    """
    moment = datetime.fromisoformat(touched_at).replace(tzinfo=UTC) if isinstance(touched_at, str) else touched_at
    collect = settings.HUB.hub.collect
    period = min(seconds for seconds in (collect.grace_seconds, collect.untagged_seconds) if seconds is not None)
    return timezone.now() - moment > timedelta(seconds=period / 4)
