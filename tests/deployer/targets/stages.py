"""Stages for the suite of targets: the same images on the in-memory engine and on a real one."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import docker

from deployer.specs import ContainerSpec
from deployer.targets.base import Image, Job
from deployer.targets.container import ContainerTarget
from deployer.targets.docker_engine import DockerEngine, Registry
from deployer.targets.engine import Engine
from deployer.targets.memory import Behaviour, MemoryEngine
from tests.pushing import push_image
from tests.servers.docker_engine import DockerEngine as Daemon
from tests.servers.hub import Hub
from tests.servers.images import Image as Made
from tests.servers.images import make_program

REPOSITORY = "suite/web"
_CHECK = {"Test": ["CMD", "/bin/busybox", "true"], "Interval": 300_000_000, "Retries": 1}
_BAD_CHECK = {**_CHECK, "Test": ["CMD", "/bin/busybox", "sh", "-c", "/bin/busybox echo no disk; /bin/busybox false"]}

KINDS: Mapping[str, tuple[Behaviour, tuple[str, ...], Mapping[str, Any]]] = {
    "good": (Behaviour(), ("sleep", "1000"), {}),
    "better": (Behaviour(), ("sleep", "1001"), {}),
    "healthy": (Behaviour(healthy_after_seconds=0.1), ("sleep", "1000"), {"Healthcheck": _CHECK}),
    "unhealthy": (Behaviour(is_unhealthy=True), ("sleep", "1000"), {"Healthcheck": _BAD_CHECK}),
    "dying": (
        Behaviour(exits_after_seconds=0.2, exit_code=7, logs="no disk"),
        ("sh", "-c", "/bin/busybox echo no disk; /bin/busybox sleep 0.2; exit 7"),
        {},
    ),
    "absent": (Behaviour(refuses_to_start="no such file"), ("nothing",), {"Cmd": ["/bin/nothing"]}),
}
"""What each image does: on the twin, and as a program of busybox."""


class Stage(Protocol):
    """An engine with a registry that has an image of every kind."""

    @property
    def engine(self) -> Engine: ...

    def image(self, kind: str) -> Image: ...

    def running(self) -> dict[str, str]:
        """The digests of what runs, by container."""
        ...


@dataclass(slots=True)
class MemoryStage:
    engine: MemoryEngine = field(
        default_factory=lambda: MemoryEngine({f"sha256:{kind}": behaviour for kind, (behaviour, _, _) in KINDS.items()})
    )

    def image(self, kind: str) -> Image:
        return Image(REPOSITORY, kind, f"sha256:{kind}")

    def running(self) -> dict[str, str]:
        return {name: image.rpartition("@")[2] for name, image in self.engine.running().items()}


class DockerStage:
    """A real daemon that pulls from a real hub."""

    def __init__(self, daemon: Daemon, hub: Hub, made: Mapping[str, Made]) -> None:
        self.engine = DockerEngine(daemon.url, Registry(hub.host, "", ""), "RegistryHub-Test")
        self._made = made
        self._client = docker.DockerClient(daemon.url)

    def image(self, kind: str) -> Image:
        digest = self._made[kind].manifest.digest if kind in self._made else f"sha256:{0:064d}"
        return Image(REPOSITORY, kind, digest)

    def running(self) -> dict[str, str]:
        containers = self._client.containers.list()
        return {str(each.name): each.attrs["Config"]["Image"].rpartition("@")[2] for each in containers}

    def close(self) -> None:
        for container in self._client.containers.list(all=True):
            container.remove(force=True)
        self.engine.close()
        self._client.close()


def push_all(hub: Hub) -> dict[str, Made]:
    """An image of every kind, in the hub."""
    made = {kind: make_program(*command, **config) for kind, (_, command, config) in KINDS.items()}
    with hub.wire() as wire:
        for kind, image in made.items():
            push_image(wire, REPOSITORY, kind, image)
    return made


@contextlib.contextmanager
def docker_stage(daemon: Daemon, hub: Hub, made: Mapping[str, Made]) -> Iterator[DockerStage]:
    stage = DockerStage(daemon, hub, made)
    try:
        yield stage
    finally:
        stage.close()


def job(stage: Stage, kind: str, number: int) -> Job:
    """Deployment `number` of the service `web`."""
    return Job(number, "web", stage.image(kind), time.sleep)


def roll(stage: Stage, kind: str, number: int, spec: ContainerSpec) -> Job:
    """Go through all steps forward. Raises what a step raises."""
    target = ContainerTarget(stage.engine, spec, {"MODE": "test"})
    work = job(stage, kind, number)
    for step in target.forward:
        target.perform(step, work)
    return work
