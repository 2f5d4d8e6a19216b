"""The kill matrix on a real engine: kill -9 before and after the action of every step, forward and back.

The in-memory engine goes through the same matrix on both databases (`test_rollout`).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import docker
import pytest

from deployer.models import Service
from deployer.rollout import MakeTarget
from deployer.specs import ContainerSpec
from deployer.targets.container import ContainerTarget
from deployer.targets.docker_engine import DockerEngine, Registry
from tests.deployer.deploying import REPOSITORY, make_service, push, pushed, states, work
from tests.deployer.dying_worker import work_until_killed
from tests.pushing import push_image
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine as Daemon
from tests.servers.hub import Hub
from tests.servers.images import Image, make_program
from tests.servers.run import new_folder
from tests.servers.server import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.peer("dockerd", "busybox"),
    pytest.mark.only_database("sqlite"),
]

SETTINGS = {"networks": ["none"], "running_seconds": 0.3, "stop_seconds": 1}
FORWARD = ("pull", "set aside", "create", "connect", "stop old", "start", "verify", "remove old")
BACKWARD = ("remove new", "put back", "start old")
_STAYS = ("sh", "-c", "trap exit TERM; while :; do /bin/busybox sleep 0.05; done")


@dataclass(frozen=True, slots=True)
class Ground:
    """A daemon, the hub it pulls from, and a client that looks."""

    daemon: Daemon
    hub: Hub
    client: docker.DockerClient
    images: dict[str, Image]

    def running(self) -> dict[str, str]:
        """The versions of what runs, by container."""
        versions = {image.manifest.digest: version for version, image in self.images.items()}
        running = self.client.containers.list()
        return {str(each.name): versions[each.attrs["Config"]["Image"].rpartition("@")[2]] for each in running}

    def containers(self) -> list[str]:
        return [str(each.name) for each in self.client.containers.list(all=True)]

    def make_target(self) -> MakeTarget:
        """Of the worker that comes after the one that died."""
        registry = Registry(self.hub.host, "", "")
        spec = ContainerSpec.model_validate(SETTINGS)
        return lambda service, deployment: ContainerTarget(DockerEngine(self.daemon.url, registry, "test"), spec, {})


@pytest.fixture(scope="module")
def servers(new_databases: Callable[[], Databases]) -> Iterator[Ground]:
    images = {
        "old": make_program(*_STAYS, files={"/version": "old"}),
        "new": make_program(*_STAYS, files={"/version": "new"}),
        "broken": make_program("false"),
    }
    with ExitStack() as stack:
        hub = stack.enter_context(Hub(new_folder("hub"), new_databases()))
        daemon = stack.enter_context(Daemon(new_folder("docker")))
        client = docker.DockerClient(daemon.url)
        stack.callback(client.close)
        with hub.wire() as wire:
            for version, image in images.items():
                push_image(wire, REPOSITORY, version, image)
        yield Ground(daemon, hub, client, images)


@pytest.fixture
def ground(servers: Ground) -> Iterator[Ground]:
    yield servers
    for container in servers.client.containers.list(all=True):
        container.remove(force=True)


def deploy(ground: Ground, service: Service, seq: int, version: str) -> None:
    push(pushed(seq, 0)._replace(digest=ground.images[version].manifest.digest))
    assert service.deployments.get(last_seq=seq).state == "waiting"


def die_and_recover(ground: Ground, version: str, step: str, when: str) -> Service:
    """The old version runs, the next is pushed, its worker is killed, and another one comes."""
    service = make_service(settings=SETTINGS)
    deploy(ground, service, 1, "old")
    work(service, ground.make_target())
    assert ground.running() == {"web": "old"}
    deploy(ground, service, 2, version)
    work_until_killed(service.pk, step, when, engine=ground.daemon.url, registry=ground.hub.host)
    service.refresh_from_db()
    assert service.holder != ""

    def is_finished() -> bool:
        work(service, ground.make_target())
        return service.deployments.get(last_seq=2).is_finished

    assert wait_until(is_finished, 20, 0.2)
    return service


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", FORWARD)
def test_a_worker_killed_at_any_step_of_a_good_version_ends_in_the_new_one(
    ground: Ground, step: str, when: str
) -> None:
    """Neither none nor two are left."""
    service = die_and_recover(ground, "new", step, when)
    assert states(service) == ["succeeded", "succeeded"]
    assert ground.running() == {"web": "new"}
    assert ground.containers() == ["web"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", BACKWARD)
def test_a_worker_killed_at_any_step_back_ends_in_the_old_one(ground: Ground, step: str, when: str) -> None:
    """The way back is not turned round, and the old one runs."""
    service = die_and_recover(ground, "broken", step, when)
    assert states(service) == ["succeeded", "rolled_back"]
    assert ground.running() == {"web": "old"}
    assert ground.containers() == ["web"]
