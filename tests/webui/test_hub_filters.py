"""How pages write numbers and times."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webui.templatetags.hub import ago, grouped, spaced


def test_numbers_are_grouped() -> None:
    """By thousands."""
    assert grouped(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86400 * 8, "8 d")]
)
def test_times_are_written_in_the_largest_unit(seconds: int, text: str) -> None:
    """A clock that runs ahead is now."""
    assert ago(timezone.now() - timedelta(seconds=seconds)) == text


def test_windows_are_spaced() -> None:
    """As people write them."""
    assert [spaced(window) for window in ("24h", "7d", "all")] == ["24 h", "7 d", "All"]
