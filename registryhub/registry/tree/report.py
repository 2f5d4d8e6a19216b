"""How a command that walks the whole tree tells how far it is."""

import time
from collections import Counter
from typing import TextIO

_EVERY_SECONDS = 1.0
_CLEAR = "\r\x1b[K"


class Report:
    """Counts by nouns in the plural, shown at most once a second; on a terminal each time in the same line."""

    def __init__(self, output: TextIO) -> None:
        self.counts: Counter[str] = Counter()
        self._output = output
        self._is_terminal = output.isatty()
        self._shown_at = time.monotonic()

    def add(self, noun: str, count: int = 1) -> None:
        self.counts[noun] += count
        now = time.monotonic()
        if now - self._shown_at >= _EVERY_SECONDS:
            self._shown_at = now
            self._put(self.words(), ending="" if self._is_terminal else "\n")

    def skip(self, what: str, reason: str) -> None:
        """Something is left out: each is told, with the reason."""
        self.counts["skipped"] += 1
        self.say(f"skipped {what}: {reason}")

    def say(self, text: str) -> None:
        self._put(text)

    def words(self) -> str:
        """3 repositories, 12 manifests."""
        return ", ".join(f"{count:,} {noun}" for noun, count in self.counts.items()) or "nothing"

    def _put(self, text: str, ending: str = "\n") -> None:
        self._output.write(f"{_CLEAR if self._is_terminal else ''}{text}{ending}")
        self._output.flush()
