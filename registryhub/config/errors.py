"""What is wrong with a configuration, said so that it can be mended: where, which key, what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

KeyPath = tuple[str | int, ...]


def join_key(path: KeyPath) -> str:
    """The path as people write it: `notifications.endpoints[0].url`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a line of the file, or a variable of the environment; neither for a default."""

    line: int | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake (or warning): its key, where it was written, and a message that names the mend."""

    message: str
    key: str = ""
    origin: Origin = Origin()
    file: Path | None = None

    @property
    def line(self) -> int | None:
        """The line of the file, from 1; None when the value came from elsewhere."""
        return self.origin.line

    @property
    def variable(self) -> str | None:
        """The name of the environment variable; None when the value came from elsewhere."""
        return self.origin.variable

    def __str__(self) -> str:
        return ": ".join(part for part in (self._place(), self.key, self.message) if part)

    def _place(self) -> str:
        if self.variable:
            return f"environment {self.variable}"
        if self.file and self.line:
            return f"{self.file}:{self.line}"
        return str(self.file or "")


class ConfigError(Exception):
    """All that is wrong with a configuration, at once; `str()` gives one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
