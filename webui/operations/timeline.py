"""What happened in a deployment, step by step; a step that was tried again and again is told once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from deployer.models import Deployment, Step

MOST_STEPS = 300
"""Shown at most. Each worker that begins a step anew makes a row, and many may die at it."""

_TONES = {Step.State.BEGUN: "wait", Step.State.DONE: "ok", Step.State.FAILED: "bad"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One or several tries of one step in a row, told by the last of them. `seconds` is None while it is under way."""

    name: str
    is_undo: bool
    state: str
    tone: str
    detail: str
    tries: int
    began_at: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The stages in order; `is_cut` when the first steps are left out."""

    stages: Sequence[Stage]
    is_cut: bool


def read_timeline(deployment: Deployment) -> Timeline:
    """The newest MOST_STEPS steps. One query."""
    newest = list(deployment.steps.order_by("-id")[: MOST_STEPS + 1])
    return Timeline(tell(newest[MOST_STEPS - 1 :: -1]), is_cut=len(newest) > MOST_STEPS)


def tell(steps: Iterable[Step]) -> list[Stage]:
    """Steps, the oldest first, as stages."""
    return [_stage(list(tries)) for _, tries in groupby(steps, key=lambda step: (step.is_undo, step.name))]


def _stage(tries: Sequence[Step]) -> Stage:
    first, last = tries[0], tries[-1]
    state = Step.State(last.state)
    return Stage(
        name=last.name,
        is_undo=last.is_undo,
        state=state.label,
        tone=_TONES[state],
        detail=last.detail,
        tries=len(tries),
        began_at=first.started_at,
        seconds=(last.finished_at - first.started_at).total_seconds() if last.finished_at else None,
    )
