"""Services of a team: two that are well, one that was rolled back and one that waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deployer.models import Deployment, Rule, Service, Step
from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID

_FORWARD = ("pull", "set aside", "create", "stop old", "start", "verify", "remove old")
_SECONDS = (6.1, 0.1, 0.3, 1.2, 0.4, 11.0, 0.2)
_LOGS = "loading 412 shards\nmmap: cannot allocate memory\nKilled\n"

State = Deployment.State


@dataclass(frozen=True, slots=True)
class Past:
    """A deployment of a service, the oldest first."""

    tag: str
    minutes: int
    state: State = State.SUCCEEDED
    fields: Mapping[str, Any] | None = None


_SERVICES: Mapping[tuple[str, str, str], Sequence[Past]] = {
    ("proxy", "edge/proxy", "1.*"): (Past("1.0", 12_000), Past("1.1", 190)),
    ("ingest", "data/ingest", "*"): (
        Past("0.9.2", 6_000),
        Past("0.9.3", 41, State.ROLLED_BACK, {"reason": "exited with code 137 after 5.0 s", "logs": _LOGS}),
    ),
    ("storefront", "web/storefront", "2.*"): (
        Past("2.14", 3_000),
        Past("2.15", 8, State.ROLLING, {"waits_for": "the Docker engine does not answer: Connection refused"}),
    ),
    ("api-production", "platform/api", "5.*"): (Past("5.1.9", 4_320), Past("5.2.0", 4)),
}


def fill_deployments(now: datetime) -> None:
    """In the order they happened."""
    happened = [(past, _service(*key, now)) for key, history in _SERVICES.items() for past in history]
    for past, service in sorted(happened, key=lambda each: -each[0].minutes):
        deployment = _deploy(service, past, now)
        if past.state == State.SUCCEEDED:
            Service.objects.filter(pk=service.pk).update(current=deployment)


def _service(name: str, repository: str, pattern: str, now: datetime) -> Service:
    service, is_new = Service.objects.get_or_create(
        name=name,
        defaults={
            "settings": {"ports": ["8080:8080"], "restart": "unless-stopped"},
            "created_at": now - timedelta(days=90),
        },
    )
    if is_new:
        Rule.objects.create(service=service, repository=repository, tag_pattern=pattern)
    return service


def _deploy(service: Service, past: Past, now: datetime) -> Deployment:
    rule = service.rules.get()
    repository = rule.repository
    push = Event.objects.filter(action="push", repository=repository, tag=past.tag).latest("seq")
    began = now - timedelta(minutes=past.minutes) + timedelta(seconds=3)
    is_over = past.state not in Deployment.UNFINISHED
    deployment = Deployment.objects.create(
        service=service,
        rule=rule,
        source_id=HUB_SOURCE_ID,
        repository=repository,
        tag=past.tag,
        digest=push.digest,
        actor="ci",
        first_seq=push.seq,
        last_seq=push.seq,
        pushes=1,
        state=past.state,
        created_at=began,
        started_at=began,
        due_at=now + timedelta(seconds=20) if not is_over else began,
        finished_at=began + timedelta(seconds=20) if is_over else None,
        **(past.fields or {}),
    )
    _write_steps(deployment, began)
    return deployment


def _write_steps(deployment: Deployment, began: datetime) -> None:
    states = {State.ROLLED_BACK: ("verify", Step.State.FAILED), State.ROLLING: ("pull", Step.State.BEGUN)}
    last, state = states.get(State(deployment.state), ("remove old", Step.State.DONE))
    for name, seconds in zip(_FORWARD, _SECONDS, strict=True):
        is_last = name == last
        ended = began + timedelta(seconds=seconds)
        _step(deployment, name, began, ended, state if is_last else Step.State.DONE)
        began = ended
        if is_last:
            break
    if deployment.state == State.ROLLED_BACK:
        for name in ("remove new", "put back", "start old"):
            ended = began + timedelta(seconds=0.4)
            _step(deployment, name, began, ended, Step.State.DONE, is_undo=True)
            began = ended


def _step(
    deployment: Deployment, name: str, began: datetime, ended: datetime, state: Step.State, *, is_undo: bool = False
) -> None:
    pulled = f"pulled registry.example.com/{deployment.repository}@{deployment.digest}"
    details = {"verify": "healthy after 11.2 s", "pull": pulled}
    detail = deployment.reason if state == Step.State.FAILED else details.get(name, "")
    Step.objects.create(
        deployment=deployment,
        name=name,
        is_undo=is_undo,
        state=state,
        detail=detail if state != Step.State.BEGUN else "",
        holder="worker-1",
        started_at=began,
        finished_at=None if state == Step.State.BEGUN else ended,
    )
