"""One suite for both engines: what the in-memory twin does, a real Docker engine does too."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from deployer.specs import ContainerSpec
from deployer.targets.base import HAD_OLD, Job, StepFailed, TargetAway, TryAgain
from deployer.targets.container import ContainerTarget
from deployer.targets.docker_engine import DockerEngine, Registry
from deployer.targets.engine import EngineAway, EngineRefusal, RegistryAway
from tests.deployer.targets.stages import MemoryStage, Stage, docker_stage, job, push_all, roll
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine as Daemon
from tests.servers.hub import Hub
from tests.servers.images import Image as Made
from tests.servers.ports import free_port
from tests.servers.run import new_folder

SPEC = ContainerSpec(running_seconds=0.6, healthy_seconds=20, networks=("none",), stop_seconds=1)
START_FIRST = SPEC.model_copy(update={"order": "start-first"})

Servers = tuple[Daemon, Hub, dict[str, Made]]


@pytest.fixture(scope="module")
def servers(new_databases: Callable[[], Databases]) -> Iterator[Servers]:
    with ExitStack() as stack:
        hub = stack.enter_context(Hub(new_folder("hub"), new_databases()))
        daemon = stack.enter_context(Daemon(new_folder("docker")))
        yield daemon, hub, push_all(hub)


@pytest.fixture(
    params=["memory", pytest.param("docker", marks=[pytest.mark.peer("dockerd"), pytest.mark.peer("busybox")])]
)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "memory":
        yield MemoryStage()
        return
    with docker_stage(*request.getfixturevalue("servers")) as found:
        yield found


def undo(stage: Stage, work: Job, spec: ContainerSpec = SPEC) -> None:
    target = ContainerTarget(stage.engine, spec, {})
    for step in target.backward:
        target.perform(step, work)


@pytest.mark.parametrize("spec", [SPEC, START_FIRST], ids=["stop-first", "start-first"])
@pytest.mark.parametrize("kind", ["better", "healthy"])
def test_a_good_version_replaces_the_old_one(stage: Stage, kind: str, spec: ContainerSpec) -> None:
    """It alone runs in the end, under the name of the service, whether it has a health check or not."""
    roll(stage, "good", 1, spec)
    assert stage.running() == {"web": stage.image("good").digest}
    roll(stage, kind, 2, spec)
    assert stage.running() == {"web": stage.image(kind).digest}
    assert stage.engine.find("web-before-2") is None


@pytest.mark.parametrize(
    ("kind", "reason", "logs"),
    [
        ("dying", "(exited with code 7 after|did not stay up)", "no disk"),
        ("unhealthy", "unhealthy after", ""),
        ("absent", "no such file", ""),
    ],
)
def test_a_broken_version_fails_and_can_be_undone(stage: Stage, kind: str, reason: str, logs: str) -> None:
    """With a reason for people and the end of its log; then the old one runs again."""
    roll(stage, "good", 1, SPEC)
    work = job(stage, kind, 2)
    target = ContainerTarget(stage.engine, SPEC, {})
    with pytest.raises(StepFailed, match=reason) as failure:
        for step in target.forward:
            target.perform(step, work)
    assert logs in failure.value.logs
    assert work.memo[HAD_OLD]
    undo(stage, work)
    assert stage.running() == {"web": stage.image("good").digest}


def test_every_step_may_be_done_twice(stage: Stage) -> None:
    """Forward and back: whoever goes on after a worker that died does not know whether the last one was done."""
    roll(stage, "good", 1, SPEC)
    work = job(stage, "better", 2)
    target = ContainerTarget(stage.engine, SPEC, {})
    for step in target.forward:
        target.perform(step, work)
        target.perform(step, work)
    assert stage.running() == {"web": stage.image("better").digest}
    third = job(stage, "good", 3)
    for step in target.forward[:-1]:
        target.perform(step, third)
    for step in target.backward:
        target.perform(step, third)
        target.perform(step, third)
    assert stage.running() == {"web": stage.image("better").digest}


def test_it_knows_what_runs_already(stage: Stage) -> None:
    """By image, settings and environment; not when it has been stopped."""
    target = ContainerTarget(stage.engine, SPEC, {"MODE": "test"})
    assert not target.is_current(job(stage, "good", 1))
    roll(stage, "good", 1, SPEC)
    assert target.is_current(job(stage, "good", 2))
    assert not target.is_current(job(stage, "better", 2))
    assert not ContainerTarget(stage.engine, SPEC, {"MODE": "other"}).is_current(job(stage, "good", 2))
    assert not ContainerTarget(stage.engine, START_FIRST, {"MODE": "test"}).is_current(job(stage, "good", 2))
    stage.engine.stop("web", 1)
    assert not target.is_current(job(stage, "good", 2))


def test_an_image_that_the_registry_has_not_is_refused(stage: Stage) -> None:
    """That is final: it does not come by waiting."""
    target = ContainerTarget(stage.engine, SPEC, {})
    with pytest.raises(StepFailed, match="cannot be pulled"):
        target.perform("pull", job(stage, "unknown", 1))


def test_what_somebody_removed_meanwhile_is_said(stage: Stage) -> None:
    """A step that misses the container fails, and the undo brings the old one back."""
    roll(stage, "good", 1, SPEC)
    work = job(stage, "better", 2)
    target = ContainerTarget(stage.engine, SPEC, {})
    for step in target.forward[:-2]:
        target.perform(step, work)
    stage.engine.remove("web")
    with pytest.raises(StepFailed, match="somebody has removed"):
        target.perform("verify", work)
    undo(stage, work)
    assert stage.running() == {"web": stage.image("good").digest}


def test_a_container_that_the_hub_did_not_make_is_taken_over(stage: Stage) -> None:
    """Whoever moves here from another tool has one of that name; undone, it is as it was."""
    name = stage.engine.pull(stage.image("good").repository, stage.image("good").digest)
    stage.engine.create("web", image=name, spec=SPEC, environment={}, labels={})
    stage.engine.start("web")
    work = job(stage, "dying", 2)
    target = ContainerTarget(stage.engine, SPEC, {})
    assert target.perform("pull", work)
    assert "not made by the hub" in target.perform("set aside", work)
    undo(stage, work)
    assert stage.running() == {"web": stage.image("good").digest}


@pytest.mark.peer("dockerd", "busybox")
def test_a_registry_that_does_not_answer_is_no_refusal(servers: Servers) -> None:
    """A real engine says so in many ways; it is tried again."""
    daemon, _, made = servers
    engine = DockerEngine(daemon.url, Registry(f"127.0.0.1:{free_port()}", "", ""), "x")
    with pytest.raises(RegistryAway):
        engine.pull("suite/web", made["good"].manifest.digest)
    work = Job(1, "web", MemoryStage().image("good"), lambda seconds: None)
    with pytest.raises((TryAgain, StepFailed)):
        ContainerTarget(engine, SPEC, {}).perform("pull", work)
    engine.close()


def test_an_engine_that_does_not_answer_is_away() -> None:
    """Nothing can be done and nothing undone; the reason names the engine."""
    url = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(EngineAway, match="the Docker engine does not answer: "):
        DockerEngine(url, Registry("127.0.0.1:1", "", ""), "x").find("web")
    stage = MemoryStage()
    stage.engine.is_away = True
    with pytest.raises(TargetAway):
        ContainerTarget(stage.engine, SPEC, {}).perform("pull", job(stage, "good", 1))


@pytest.mark.peer("dockerd", "busybox")
def test_the_settings_of_a_container_reach_the_engine(servers: Servers) -> None:
    """Environment, labels, command, user, restart policy, mounts and health check, as they were written."""
    spec = ContainerSpec.model_validate(
        {
            "command": ["/bin/busybox", "sleep", "99"],
            "mounts": ["suite-data:/data", "/tmp:/outside:ro"],
            "networks": ["none"],
            "labels": {"team": "shop"},
            "user": "1000",
            "hostname": "shop",
            "restart": "on-failure",
            "health": {"command": "/bin/busybox true", "retries": 7},
        }
    )
    with docker_stage(*servers) as stage:
        name = stage.engine.pull(stage.image("good").repository, stage.image("good").digest)
        stage.engine.create("web", image=name, spec=spec, environment={"A": "b=c"}, labels=dict(spec.labels))
        with pytest.raises(EngineRefusal, match="already in use"):
            stage.engine.create("web", image=name, spec=spec, environment={}, labels={})
        found = stage._client.api.inspect_container("web")
    assert "A=b=c" in found["Config"]["Env"]
    assert found["Config"]["Labels"]["team"] == "shop"
    assert found["Config"]["Cmd"] == ["/bin/busybox", "sleep", "99"]
    assert (found["Config"]["User"], found["Config"]["Hostname"]) == ("1000", "shop")
    assert found["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "/bin/busybox true"]
    assert found["Config"]["Healthcheck"]["Retries"] == 7
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "on-failure"
    mounts = {mount["Destination"]: (mount["Type"], mount["RW"]) for mount in found["Mounts"]}
    assert mounts == {"/data": ("volume", True), "/outside": ("bind", False)}
