"""Waiting for something to come to pass, for a while."""

import time
from collections.abc import Callable

SLOW_SECONDS = 3.0
"""What takes longer than this gets there, but late."""
_LOOK_SECONDS = 0.05


def wait_until(has_come: Callable[[], bool], patience_seconds: float) -> bool:
    """Whether it came to pass in time."""
    deadline = time.monotonic() + patience_seconds
    while not has_come():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
