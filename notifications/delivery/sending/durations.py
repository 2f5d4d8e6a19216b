"""How long requests took, in steps: enough to say what 95 % of them took at most, for a few bytes a row.

Pure. A step is a fifth longer than the one before (four of them double), from a tenth of a millisecond on.
"""

from bisect import bisect_left
from collections.abc import Mapping

_ENDS_SECONDS = tuple(0.0001 * 2 ** (step / 4) for step in range(100))
"""The last one is some 45 minutes."""
_STEPS = tuple(str(step) for step in range(len(_ENDS_SECONDS) + 1))


def step_of(seconds: float) -> str:
    """The step that a duration is in; text, as the keys of JSON are."""
    return _STEPS[bisect_left(_ENDS_SECONDS, seconds)]


def quantile_seconds(counts: Mapping[str, int], part: float) -> float | None:
    """What so much of the requests took at most, to the end of its step; None without any."""
    left = part * sum(counts.values())
    for step in sorted(map(int, counts)):
        left -= counts[str(step)]
        if left <= 0:
            return _ENDS_SECONDS[min(step, len(_ENDS_SECONDS) - 1)]
    return None
