"""What a line of the benchmark is, what it measures, and how its goal is judged."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.servers.databases import Databases, Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `quick` is a smoke test: it shows that the line runs, its numbers mean nothing."""

    rounds: int
    quick: bool
    with_hub: bool
    servers: Databases
    folder: Path
    line_seconds: float = 150.0

    def sized(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def seconds(self, full: float) -> float:
        return 0.5 if self.quick else full

    def each_round(self) -> Iterator[int]:
        """Numbers of rounds, fewer than planned when the line takes longer than `line_seconds`."""
        begun = time.monotonic()
        for number in range(self.rounds):
            if number and time.monotonic() - begun > self.line_seconds:
                say(f"  stopped after {number} rounds, {self.line_seconds:g} s are over")
                return
            yield number


@dataclass(slots=True)
class Measured:
    """Samples of one line, one a round: `hub`, and `beside` it the peer or the hub at rest.

    `conditions` must hold besides the goal; `notes` are further numbers worth showing.
    """

    hub: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    conditions: dict[str, bool] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)

    def require(self, condition: str, holds: bool) -> None:
        """A condition holds when it held in every round."""
        self.conditions[condition] = self.conditions.get(condition, True) and holds

    def note_worst(self, name: str, value: float) -> None:
        self.notes[name] = max(value, self.notes.get(name, value))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `goal` bounds hub ÷ beside, or the hub's number itself where nothing stands beside it."""

    name: str
    title: str
    unit: str
    beside: Literal["docker-registry", "hub at rest", "few of them", "shortest way", "nothing"]
    bound: Literal["at least", "at most"]
    goal: Mapping[Kind, float]
    run: Callable[[Plan], Measured]

    @property
    def needs_hub(self) -> bool:
        return self.beside != "docker-registry"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A measured line beside its goal; `value` is the ratio of medians, or the hub's median."""

    line: Line
    kind: Kind
    measured: Measured
    quick: bool

    @property
    def hub(self) -> float | None:
        return statistics.median(self.measured.hub) if self.measured.hub else None

    @property
    def beside(self) -> float | None:
        return statistics.median(self.measured.beside) if self.measured.beside else None

    @property
    def value(self) -> float | None:
        if self.line.beside == "nothing" or self.hub is None:
            return self.hub
        return self.hub / self.beside if self.beside else None

    @property
    def is_met(self) -> bool | None:
        """None when there is nothing to judge."""
        if self.value is None or self.quick:
            return None
        goal = self.line.goal[self.kind]
        reached = self.value >= goal if self.line.bound == "at least" else self.value <= goal
        return reached and all(self.measured.conditions.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "line": self.line.name,
            "work": self.line.title,
            "database": self.kind,
            "unit": self.line.unit,
            "beside": self.line.beside,
            "hub": self.hub,
            "hub_rounds": self.measured.hub,
            "beside_median": self.beside,
            "beside_rounds": self.measured.beside,
            "value": self.value,
            "goal": f"{self.line.bound} {self.line.goal[self.kind]:g}",
            "met": self.is_met,
            "conditions": self.measured.conditions,
            "notes": self.measured.notes,
        }


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)
