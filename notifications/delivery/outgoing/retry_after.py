"""When a receiver asks to be left alone: the header Retry-After (RFC 9110, 10.2.3), in seconds or as a date."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

STATUSES = frozenset((429, 503))
"""The answers whose Retry-After is heard."""
_MOST_DIGITS = 9


def read_retry_after(value: str, now: datetime) -> float:
    """The wait in seconds, 0 for what is no wait: nothing, the past, or neither a number nor a date."""
    if value.isascii() and value.isdigit():
        return float(value[:_MOST_DIGITS])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now) / timedelta(seconds=1))
