"""What receivers write into Retry-After."""

from datetime import UTC, datetime

import pytest

from notifications.delivery.outgoing.retry_after import read_retry_after

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tuesday, 24-Nov-26 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("9" * 100, 999_999_999.0),
        ("Tue, 99 Nov 2026 12:01:30 GMT", 0.0),
        ("\u0663", 0.0),
    ],
)
def test_seconds_and_dates_are_understood_and_nothing_else(value: str, seconds: float) -> None:
    """What cannot be read, and what is past, is no wait."""
    assert read_retry_after(value, NOW) == seconds
