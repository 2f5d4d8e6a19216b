"""How a deployment does, in words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployer.models import Deployment, Step

State = Deployment.State

_TONES = {
    State.WAITING: "wait",
    State.ROLLING: "wait",
    State.UNDOING: "bad",
    State.SUCCEEDED: "ok",
    State.ROLLED_BACK: "bad",
    State.FAILED: "bad",
    State.SUPERSEDED: "still",
}
_VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class DeploymentLine:
    """A deployment with its state in a word or two, and the sentence that explains it, which may be empty."""

    deployment: Deployment
    words: str
    tone: str
    note: str


def read_lines(deployments: Iterable[Deployment], now: datetime) -> Sequence[DeploymentLine]:
    """A line for each, in their order; `service` is expected to be loaded. One query."""
    rows = list(deployments)
    verified = _verified([row for row in rows if row.state == State.SUCCEEDED])
    return [describe_line(row, now, verified.get(row.pk, "")) for row in rows]


def describe_line(deployment: Deployment, now: datetime, verified: str = "") -> DeploymentLine:
    """The line of one; `verified` is how it showed that it runs."""
    state = State(deployment.state)
    is_past = state == State.SUCCEEDED and not is_current(deployment)
    return DeploymentLine(
        deployment=deployment,
        words="ran before" if is_past else state.label,
        tone="still" if is_past else _TONES[state],
        note=_explain(deployment, now) or verified,
    )


def is_current(deployment: Deployment) -> bool:
    """Whether it is what its service runs now."""
    return deployment.service.current_id == deployment.pk


def due_in_seconds(deployment: Deployment, now: datetime) -> int:
    """Until it is worked on (again)."""
    return max(0, math.ceil((deployment.due_at - now).total_seconds()))


def _explain(deployment: Deployment, now: datetime) -> str:
    if deployment.is_finished:
        return deployment.reason
    seconds = due_in_seconds(deployment, now)
    if deployment.waits_for:
        return f"{deployment.waits_for}; again in {seconds} s" if seconds else deployment.waits_for
    if deployment.state == State.WAITING:
        return f"begins in {seconds} s unless something newer is pushed" if seconds else "is taken up next"
    return ""


def _verified(deployments: Sequence[Deployment]) -> dict[int, str]:
    steps = Step.objects.filter(deployment__in=deployments, name=_VERIFY, state=Step.State.DONE)
    return dict(steps.values_list("deployment_id", "detail"))
