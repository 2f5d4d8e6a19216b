"""The publisher of the storm: a version after the other is pushed while the hub is killed, and each must be deployed.

Each answered push ends in a finished deployment, and the one container that is left runs the last that succeeded.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import docker

from tests.pushing import RefusedError, push_image
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import ApiError, Hub
from tests.servers.images import Image, make_program
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.storm import KILL_EVERY_SECONDS, Killer
from tests.wire import WireError

REPOSITORY = "storm/deployed"
SERVICE = "stormy"
_EVERY_SECONDS = 1.2
_BROKEN_EVERY = 4
_STAYS = ("sh", "-c", "trap exit TERM; while :; do /bin/busybox sleep 0.1; done")
_FINISHED = frozenset(("succeeded", "rolled_back", "failed", "superseded"))
_WAIT_SECONDS = 120.0
_KILLED = frozenset(("worker", "relay", "supervisor"))


def define_service(hub: Hub) -> None:
    """A container that is replaced within a second or two."""
    container = {"networks": ["none"], "running_seconds": 0.5, "stop_seconds": 1}
    rules = [{"repository": REPOSITORY}]
    hub.act(
        "POST",
        "/api/v1/services",
        {"name": SERVICE, "debounce_seconds": 0.3, "settings": container, "rules": rules},
    )


def run_deploy_storm(databases: Databases, seconds: float) -> str:
    """Push and kill for so long, then look at the books. Returns a line that says how much it was."""
    with ExitStack() as stack:
        engine = stack.enter_context(DockerEngine(new_folder("docker")))
        config = {"hub": {"deployer": {"engine": engine.url}}}
        hub = stack.enter_context(Hub(new_folder("hub"), databases, config=config))
        stack.callback(remove_containers, engine)
        define_service(hub)
        killer, publisher = Killer(hub, only=_KILLED), Publisher(hub)
        publisher.start()
        try:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                time.sleep(KILL_EVERY_SECONDS)
                killer.strike()
        finally:
            publisher.stop()
        hub.wait_until_ready()
        hub.wait_until_drained(60)
        deployed = check_deployments(hub, engine, publisher)
        assert killer.kills.keys() == _KILLED, killer.kills
        return f"{deployed}; killed: {', '.join(f'{name} {times}' for name, times in killer.kills.items())}"


class Publisher(threading.Thread):
    """Pushes until told to stop; every fourth version does not come up. `answered`: the digests of answered pushes."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(name="publisher")
        self.answered: list[str] = []
        self.refusals: list[str] = []
        self._hub = hub
        self._over = threading.Event()

    def run(self) -> None:
        for version in itertools.count(1):
            if self._over.wait(_EVERY_SECONDS):
                return
            image = _make(version)
            try:
                with self._hub.wire() as wire:
                    push_image(wire, REPOSITORY, "latest", image)
            except WireError:
                continue
            except RefusedError as refusal:
                if " 503" not in str(refusal):
                    self.refusals.append(str(refusal))
                continue
            self.answered.append(image.manifest.digest)

    def stop(self) -> None:
        self._over.set()
        self.join()


def _make(version: int) -> Image:
    if version % _BROKEN_EVERY == 0:
        return make_program("false", files={"/version": str(version)})
    return make_program(*_STAYS, files={"/version": str(version)})


def check_deployments(hub: Hub, engine: DockerEngine, publisher: Publisher) -> str:
    """Raises AssertionError that says what does not fit; a line that says what was deployed."""
    assert publisher.refusals == []
    assert publisher.answered
    events = hub.events(repository=REPOSITORY)
    pushes = [event for event in events if event["action"] == "push" and "tag" in event["target"]]
    pushed = [each["target"]["digest"] for each in pushes]
    assert [digest for digest in publisher.answered if digest not in pushed] == []
    assert wait_until(lambda: not _unfinished(hub), _WAIT_SECONDS, 0.5), _unfinished(hub)
    deployments = list(_deployments(hub))
    for push in pushes:
        covering = [each for each in deployments if each["first_seq"] <= push["seq"] <= each["last_seq"]]
        assert push["target"]["digest"] in {each["digest"] for each in covering}, f"never deployed: {push['seq']}"
    _check_container(engine, deployments)
    states = [each["state"] for each in deployments]
    assert "succeeded" in states
    return f"{len(pushes)} pushes, " + ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def _check_container(engine: DockerEngine, deployments: list[dict[str, Any]]) -> None:
    client = docker.DockerClient(engine.url)
    try:
        containers = client.containers.list(all=True)
        assert [(each.name, each.status) for each in containers] == [(SERVICE, "running")]
        runs = containers[0].attrs["Config"]["Image"].rpartition("@")[2]
    finally:
        client.close()
    newest = max((each for each in deployments if each["state"] == "succeeded"), key=lambda each: int(each["id"]))
    assert runs == newest["digest"]


def _unfinished(hub: Hub) -> list[dict[str, Any]]:
    with suppress(ApiError, WireError):
        return [each for each in _deployments(hub) if each["state"] not in _FINISHED]
    return [{"state": "unknown"}]


def _deployments(hub: Hub) -> Iterator[dict[str, Any]]:
    path = "/api/v1/deployments"
    parameters: dict[str, str | int] = {"service": SERVICE, "limit": 1000}
    while path:
        page = hub.get(path, **parameters)
        yield from page["results"]
        path, parameters = (page["next"] or "").removeprefix(hub.url), {}


def remove_containers(engine: DockerEngine) -> None:
    """So that the engine can stop at once."""
    client = docker.DockerClient(engine.url)
    for container in client.containers.list(all=True):
        container.remove(force=True)
    client.close()
