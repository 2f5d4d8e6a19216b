"""What staff see beside the numbers: deployments, webhooks and the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from deployer.models import Deployment
from notifications.delivery.glance import glance
from registryhub.registry.usage import Usage, measure_usage
from webui.operations.endpoint_state import EndpointState, describe_state

LINES = 5

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


@dataclass(frozen=True, slots=True)
class DeploymentLine:
    """A deployment and what became of it, in a sentence."""

    deployment: Deployment
    tone: str
    words: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Operations:
    """The column for staff."""

    deployments: Sequence[DeploymentLine]
    endpoints: Sequence[EndpointState]
    usage: Usage
    is_full: bool


def read_operations(now: datetime) -> Operations:
    """Two queries, and a third once a minute."""
    usage = measure_usage(settings.HUB.storage.driver.rootdirectory)
    return Operations(
        deployments=[_line(deployment) for deployment in _latest()],
        endpoints=[describe_state(endpoint, backlog, now) for endpoint, backlog in glance(LINES)],
        usage=usage,
        is_full=usage.free_bytes is not None and usage.free_bytes < settings.HUB.hub.limits.free_bytes,
    )


def describe_deployment(deployment: Deployment) -> str:
    """What became of it, or what it waits for."""
    label = str(State(deployment.state).label)
    if not deployment.is_finished and deployment.waits_for:
        return f"{label}, waits for {deployment.waits_for}"
    if deployment.state == State.SUCCEEDED and deployment.started_at and deployment.finished_at:
        return f"{label}, up in {(deployment.finished_at - deployment.started_at).total_seconds():.0f} s"
    return f"{label}: {deployment.reason}" if deployment.reason else label


def _latest() -> Sequence[Deployment]:
    return list(Deployment.objects.select_related("service").defer("logs", "memo").order_by("-id")[:LINES])


def _line(deployment: Deployment) -> DeploymentLine:
    moment = deployment.finished_at or deployment.started_at or deployment.created_at
    return DeploymentLine(deployment, _TONES[State(deployment.state)], describe_deployment(deployment), moment)
