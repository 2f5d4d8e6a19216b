"""What is pulled more than it used to be, from the numbers that the totals keep of each window. Pure.

What is to be expected of a window is what was pulled in the time before it, at the same pace; what lies farther back
counts half as much. The windows lie in each other, so what the longer one has more than the shorter one is the time
before it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from notifications.analytics.windows import Window

SURE_PULLS = 10
"""As if so many more had been expected: from nothing to three pulls is no trend."""

_STAIRS: Mapping[Window, Sequence[str]] = {
    "24h": ("24h", "7d", "30d"),
    "7d": ("7d", "30d", "90d"),
    "30d": ("30d", "90d"),
}


def _expected(window: Window) -> str:
    steps = pairwise(_STAIRS[window])
    return " + ".join(f"%s * (totals.pulls_{longer} - totals.pulls_{shorter})" for shorter, longer in steps)


GROWTH: Mapping[str, str] = {window: f"(totals.pulls_{window} - ({_expected(window)}))" for window in _STAIRS}
"""More pulls than expected; its parameters are `trend_parameters`."""

SCORE = f"{{growth}} / SQRT(ABS({SURE_PULLS} + {{pulls}} - {{growth}}))"
"""By how much that is beyond chance: what is large anyway must grow by more."""


def trend_parameters(window: Window, since: Mapping[str, datetime], now: datetime) -> tuple[float, ...]:
    """What the pulls of each time before are taken times with, by how long it was and how far back."""
    stairs = _STAIRS[window]
    length = now - since[window]
    before = [since[shorter] - since[longer] for shorter, longer in pairwise(stairs)]
    weights = [2.0**-age for age in range(len(before))]
    return tuple(
        weight / sum(weights) * (length / max(each, timedelta(hours=1)))
        for weight, each in zip(weights, before, strict=True)
    )
