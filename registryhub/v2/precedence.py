"""Pushes go first: while one is at work in this process, pulls step aside for a moment.

A push of one small image gives up the interpreter some two hundred times (for files, locks, the database), and behind
16 connections that pull as fast as they can it gets it back late each time. Measured so: 45 ms a push instead of 10.
With pulls that first sleep 2 ms it is 25 to 30 ms, and no fewer pulls a second, since other connections fill the gap.
"""

import time

STEP_ASIDE_SECONDS = 0.002
PUSH_SECONDS = 0.05
"""How long a request counts as a push at work. A long upload waits for its client, not for the interpreter."""


class Precedence:
    """One a process; no lock, since a stale look costs one short sleep at most."""

    def __init__(self) -> None:
        self._pushing_until = 0.0

    def push(self) -> None:
        """A request that writes begins."""
        self._pushing_until = time.monotonic() + PUSH_SECONDS

    def pull(self) -> None:
        """A request that reads begins; it may wait for STEP_ASIDE_SECONDS."""
        if time.monotonic() < self._pushing_until:
            time.sleep(STEP_ASIDE_SECONDS)
