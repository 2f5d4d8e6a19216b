"""How a number compares with the one before it."""

import pytest

from webui.panels.change import compare


@pytest.mark.parametrize(
    ("now", "before", "text", "tone"),
    [
        (112, 100, "+12 %", "up"),
        (91, 100, "−9 %", "down"),
        (1001, 1000, "±0 %", "still"),
        (5, 0, "new", "up"),
        (0, 7, "−100 %", "down"),
        (100_000, 1, "> 999 %", "up"),
    ],
)
def test_a_change_is_said_in_percent(now: float, before: float, text: str, tone: str) -> None:
    """As far as percent say anything."""
    change = compare(now, before)
    assert change is not None
    assert (change.text, change.tone) == (text, tone)


def test_nothing_before_and_nothing_now_is_no_change() -> None:
    """There is nothing to say."""
    assert compare(0, 0) is None
