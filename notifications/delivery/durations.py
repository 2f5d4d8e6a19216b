"""How long requests took, in steps: enough to say what 95 % of them took at most, for a few bytes a row.

Pure. A step is a fifth longer than the one before (four of them double), from a tenth of a millisecond on.
"""

import math
from collections.abc import Mapping

_SHORTEST_SECONDS = 0.0001
_STEPS_TO_DOUBLE = 4


def step_of(seconds: float) -> str:
    """The step that a duration is in; text, as the keys of JSON are."""
    if seconds <= _SHORTEST_SECONDS:
        return "0"
    return str(1 + int(_STEPS_TO_DOUBLE * math.log2(seconds / _SHORTEST_SECONDS)))


def quantile_seconds(counts: Mapping[str, int], part: float) -> float | None:
    """What so much of the requests took at most, to the end of its step; None without any."""
    left = part * sum(counts.values())
    for step in sorted(map(int, counts)):
        left -= counts[str(step)]
        if left <= 0:
            return float(_SHORTEST_SECONDS * 2 ** (step / _STEPS_TO_DOUBLE))
    return None
