"""Services of the in-memory engine, pushes that deploy to them, and a worker that works them off."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from deployer.models import Deployment, Rule, Service
from deployer.rollout import MakeTarget
from deployer.specs import ContainerSpec
from deployer.targets.base import Target
from deployer.targets.container import ContainerTarget
from deployer.targets.memory import Behaviour, MemoryEngine
from deployer.triggers import trigger
from deployer.work import work_off
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "shop/web"
QUICK = ContainerSpec(running_seconds=0.05, healthy_seconds=0.3)

_PUSHED = LoggedEvent(
    seq=0,
    source_id=HUB_SOURCE_ID,
    event_id="",
    occurred_at=datetime(2026, 11, 24, tzinfo=UTC),
    received_at=datetime(2026, 11, 24, tzinfo=UTC),
    action="push",
    repository=REPOSITORY,
    tag="latest",
    digest="",
    media_type=MANIFEST,
    size=500,
    actor="",
    address="",
    user_agent="",
    method="PUT",
    from_repository="",
    raw="{}",
)


def digest(version: int) -> str:
    return f"sha256:{version:064d}"


def pushed(seq: int, version: int, **fields: Any) -> LoggedEvent:
    """The push of a version, with this number in the log."""
    return _PUSHED._replace(seq=seq, event_id=f"event-{seq}", digest=digest(version), **fields)


def make_service(name: str = "web", *, rule: bool = True, **fields: Any) -> Service:
    """A service that deploys at once what is pushed to its repository."""
    service = Service.objects.create(name=name, **{"debounce_seconds": 0.0, **fields})
    if rule:
        Rule.objects.create(service=service, repository=REPOSITORY)
    return service


def push(*events: LoggedEvent) -> None:
    """What the relay does with events of the log."""
    with transaction.atomic():
        trigger(events)


def engine_with(**versions: Behaviour) -> MemoryEngine:
    """An engine whose registry has these versions: `v1=Behaviour()`."""
    return MemoryEngine({digest(int(name.removeprefix("v"))): behaviour for name, behaviour in versions.items()})


def container_target(engine: MemoryEngine, spec: ContainerSpec = QUICK) -> MakeTarget:
    return lambda service, deployment: ContainerTarget(engine, spec, {})


def work(service: Service, make_target: MakeTarget, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """A worker is woken. What waits for something to answer is due at once."""
    Deployment.objects.filter(service=service, finished_at=None).update(due_at=timezone.now())
    work_off(service.pk, make_target, is_stopping)


def states(service: Service) -> list[str]:
    """Of its deployments, the oldest first."""
    return list(service.deployments.order_by("id").values_list("state", flat=True))


def runs(engine: MemoryEngine) -> dict[str, str]:
    """The versions that run, by container."""
    return {name: f"v{int(image.rpartition(':')[2])}" for name, image in engine.running().items()}


class Killed(BaseException):
    """A worker died here."""


class DyingTarget:
    """Does what `target` does, until the worker that uses it dies before or after the action of a step."""

    def __init__(self, target: Target, step: str, *, after: bool) -> None:
        self._target = target
        self._step = step
        self._after = after

    @property
    def forward(self) -> Sequence[str]:
        return self._target.forward

    @property
    def backward(self) -> Sequence[str]:
        return self._target.backward

    @property
    def proof(self) -> str:
        return self._target.proof

    def is_current(self, job: Any) -> bool:
        return self._target.is_current(job)

    def perform(self, step: str, job: Any) -> str:
        if step != self._step:
            return self._target.perform(step, job)
        if self._after:
            self._target.perform(step, job)
        raise Killed

    def close(self) -> None:
        self._target.close()


START_FIRST = QUICK.model_copy(update={"order": "start-first"})
