"""Roll-outs on the in-memory engine: a service ends with its new container or its old one, whatever happens."""

from dataclasses import dataclass

import pytest

from deployer.models import Deployment, Service, Step
from deployer.rollout import MAX_TRIES, MakeTarget
from deployer.specs import ContainerSpec
from deployer.targets.base import Job, Target
from deployer.targets.container import ContainerTarget
from deployer.targets.engine import EngineRefusal
from deployer.targets.memory import Behaviour, MemoryEngine
from tests.deployer.deploying import (
    QUICK,
    START_FIRST,
    DyingTarget,
    Killed,
    container_target,
    digest,
    engine_with,
    make_service,
    push,
    pushed,
    runs,
    states,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)

FORWARD = ("pull", "set aside", "create", "connect", "stop old", "start", "verify", "remove old")
BACKWARD = ("remove new", "put back", "start old")
BROKEN = {
    "never starts": Behaviour(refuses_to_start="exec: no such file"),
    "dies": Behaviour(exits_after_seconds=0.02, exit_code=3, logs="cannot open the database"),
    "is unhealthy": Behaviour(is_unhealthy=True),
    "never gets healthy": Behaviour(healthy_after_seconds=60),
}


def deployed(version: int = 1, engine: MemoryEngine | None = None) -> tuple[Service, MemoryEngine]:
    """A service that runs version 1; the engine knows versions 1 and 2."""
    engine = engine or engine_with(v1=Behaviour(), v2=Behaviour())
    service = make_service()
    push(pushed(1, version))
    work(service, container_target(engine))
    assert states(service) == ["succeeded"]
    return service, engine


def last(service: Service) -> Deployment:
    return service.deployments.order_by("-id")[0]


def test_the_first_push_creates_the_container() -> None:
    """All steps in order, each a row, and the service says what runs."""
    service, engine = deployed()
    assert runs(engine) == {"web": "v1"}
    steps = list(Step.objects.order_by("id").values_list("name", "state", "is_undo"))
    assert steps == [(name, "done", False) for name in FORWARD]
    service.refresh_from_db()
    assert service.current == last(service)
    assert service.holder == ""


@pytest.mark.parametrize("spec", [QUICK, START_FIRST], ids=["stop-first", "start-first"])
def test_a_newer_push_replaces_it(spec: object) -> None:
    """One container is left, of the new version, in either order."""
    service, engine = deployed()
    push(pushed(2, 2))
    work(service, container_target(engine, QUICK if spec is QUICK else START_FIRST))
    assert runs(engine) == {"web": "v2"}
    assert engine.find("web-before-2") is None


def test_what_runs_already_is_left_alone() -> None:
    """The same digest under another tag restarts nothing."""
    service, engine = deployed()
    push(pushed(2, 1, tag="stable"))
    work(service, container_target(engine))
    assert states(service) == ["succeeded", "succeeded"]
    assert last(service).reason == "it runs already"
    assert not last(service).steps.exists()


def test_changed_settings_of_the_same_image_replace_the_container() -> None:
    """What makes a container what it is is more than its image."""
    service, engine = deployed()
    push(pushed(2, 1, tag="stable"))
    work(service, container_target(engine, QUICK.model_copy(update={"user": "nobody"})))
    assert last(service).steps.filter(name="remove old", state="done").exists()
    assert runs(engine) == {"web": "v1"}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_version_that_does_not_come_up_is_rolled_back(broken: Behaviour) -> None:
    """The old one runs under its name again, and the reason is kept with the log."""
    service, engine = deployed()
    engine.images[digest(3)] = broken
    push(pushed(2, 3))
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v1"}
    deployment = last(service)
    assert deployment.state == "rolled_back"
    assert deployment.reason
    assert deployment.logs == broken.logs
    service.refresh_from_db()
    assert service.current != deployment


def test_the_reason_says_how_it_ended() -> None:
    """With the exit code and the time, for people."""
    service, engine = deployed()
    engine.images[digest(3)] = BROKEN["dies"]
    push(pushed(2, 3))
    work(service, container_target(engine))
    assert last(service).reason.startswith("exited with code 3 after 0.")


def test_a_port_that_is_taken_rolls_back() -> None:
    """By something else on the host: the old container, on its own port, is running again."""
    service, engine = deployed()
    taken = QUICK.model_copy(update={"ports": ports_of("9000:80")})
    push(pushed(2, 2))
    engine.create("other", image=f"x@{digest(1)}", spec=taken, environment={}, labels={})
    engine.start("other")
    work(service, container_target(engine, taken))
    assert last(service).reason == "port 9000 is already allocated"
    assert runs(engine) == {"web": "v1", "other": "v1"}


def ports_of(text: str) -> object:
    return type(QUICK).model_validate({"ports": [text]}).ports


def test_without_an_old_container_a_broken_version_leaves_none() -> None:
    """Nothing ran before, so nothing is to be restored: it failed."""
    engine = engine_with(v3=BROKEN["dies"])
    service = make_service()
    push(pushed(1, 3))
    work(service, container_target(engine))
    assert states(service) == ["failed"]
    assert engine.find("web") is None


def test_an_old_container_that_was_stopped_stays_stopped() -> None:
    """Whoever stopped it had a reason; it has its name again."""
    service, engine = deployed()
    engine.stop("web", 1)
    engine.images[digest(3)] = BROKEN["dies"]
    push(pushed(2, 3))
    work(service, container_target(engine))
    assert last(service).state == "rolled_back"
    assert runs(engine) == {}
    assert engine.find("web") is not None


def test_an_image_that_does_not_exist_touches_nothing() -> None:
    """The old one was never even renamed."""
    service, engine = deployed()
    push(pushed(2, 9))
    work(service, container_target(engine))
    assert last(service).state == "failed"
    assert "manifest unknown" in last(service).reason
    assert runs(engine) == {"web": "v1"}


def test_a_registry_that_comes_back_is_waited_for() -> None:
    """Tries are counted, and what it waits for is said."""
    service, engine = deployed()
    engine.registry_is_away = True
    push(pushed(2, 2))
    work(service, container_target(engine))
    waiting = last(service)
    assert waiting.state == "rolling"
    assert waiting.waits_for == "the registry does not answer the engine"
    assert waiting.due_at > waiting.created_at
    engine.registry_is_away = False
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v2"}
    assert last(service).waits_for == ""


def test_a_registry_that_stays_away_fails_the_deployment() -> None:
    """After so many tries; what runs goes on."""
    service, engine = deployed()
    engine.registry_is_away = True
    push(pushed(2, 2))
    for _ in range(MAX_TRIES):
        assert last(service).state in ("waiting", "rolling")
        work(service, container_target(engine))
    assert last(service).state == "failed"
    assert f"tried {MAX_TRIES} times" in last(service).reason
    assert runs(engine) == {"web": "v1"}


@pytest.mark.parametrize("step", FORWARD)
def test_an_engine_that_goes_away_is_waited_for_at_every_step(step: str) -> None:
    """However long: nothing can be undone without it either."""
    service, engine = deployed()
    push(pushed(2, 2))
    work(service, lambda service, deployment: LeavingTarget(engine, step))
    assert last(service).state == "rolling"
    assert "does not answer" in last(service).waits_for
    for _ in range(MAX_TRIES + 1):
        work(service, container_target(engine))
        assert last(service).state == "rolling"
    assert last(service).steps.count() <= len(FORWARD)  # a row a step, however often it is tried
    engine.is_away = False
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v2"}


class LeavingTarget(ContainerTarget):
    """Its engine goes away just before a step."""

    def __init__(self, engine: MemoryEngine, step: str) -> None:
        super().__init__(engine, QUICK, {})
        self._memory = engine
        self._at = step

    def perform(self, step: str, job: Job) -> str:
        self._memory.is_away |= step == self._at
        return super().perform(step, job)


def dying(engine: MemoryEngine, step: str, *, after: bool) -> MakeTarget:
    def make(service: Service, deployment: Deployment) -> Target:
        return DyingTarget(ContainerTarget(engine, QUICK, {}), step, after=after)

    return make


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", FORWARD)
def test_a_worker_that_dies_at_any_step_of_a_good_version_is_followed_by_one_that_finishes(
    step: str, after: bool
) -> None:
    """Never none and never two in the end: the new version alone."""
    service, engine = deployed()
    push(pushed(2, 2))
    with pytest.raises(Killed):
        work(service, dying(engine, step, after=after))
    work(service, container_target(engine))
    assert states(service) == ["succeeded", "succeeded"]
    assert runs(engine) == {"web": "v2"}
    assert engine.find("web-before-2") is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [*FORWARD[:-1], *BACKWARD])
def test_a_worker_that_dies_at_any_step_of_a_broken_version_is_followed_by_one_that_undoes(
    step: str, after: bool
) -> None:
    """The old version alone, running."""
    service, engine = deployed()
    engine.images[digest(3)] = Behaviour(is_unhealthy=True)
    push(pushed(2, 3))
    died = False
    try:
        work(service, dying(engine, step, after=after))
    except Killed:
        died = True
    assert died or (step == "verify" and after)  # it never gets as far as after a failed one
    work(service, container_target(engine))
    assert states(service) == ["succeeded", "rolled_back"]
    assert runs(engine) == {"web": "v1"}
    assert engine.find("web-before-2") is None


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_another() -> None:
    """In the middle of waiting for health; the claim is given back at once."""
    service, engine = deployed()
    engine.images[digest(2)] = Behaviour(healthy_after_seconds=0.25)
    push(pushed(2, 2))
    asked = iter([False] * 10 + [True] * 99)
    work(service, container_target(engine), lambda: next(asked))
    assert last(service).state == "rolling"
    service.refresh_from_db()
    assert service.holder == ""
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v2"}


def test_an_undo_that_cannot_be_done_yet_is_tried_until_it_can() -> None:
    """The old container's port is taken meanwhile: never given up, since nothing would run."""
    ports = {"ports": ports_of("9000:80")}
    spec = QUICK.model_copy(update=ports)
    engine = engine_with(v1=Behaviour(), v3=Behaviour(is_unhealthy=True))
    service = make_service()
    push(pushed(1, 1))
    work(service, container_target(engine, spec))
    push(pushed(2, 3))
    with pytest.raises(Killed):
        work(
            service,
            lambda service, deployment: DyingTarget(ContainerTarget(engine, spec, {}), "start old", after=False),
        )
    engine.create("thief", image=f"x@{digest(1)}", spec=spec, environment={}, labels={})
    engine.start("thief")
    for _ in range(MAX_TRIES + 1):
        work(service, container_target(engine, spec))
        assert last(service).state == "undoing"
        assert "already allocated" in last(service).waits_for
    engine.remove("thief")
    work(service, container_target(engine, spec))
    assert last(service).state == "rolled_back"
    assert runs(engine) == {"web": "v1"}


@pytest.mark.parametrize("spec", [QUICK, START_FIRST], ids=["stop-first", "start-first"])
def test_an_old_container_that_cannot_be_removed_is_left_behind(spec: ContainerSpec) -> None:
    """It does not run, and the step says so: what has proven that it runs is not undone for it."""
    service, engine = deployed()
    stubborn = StubbornEngine(engine.images, _containers=engine._containers)
    push(pushed(2, 2))
    work(service, container_target(stubborn, spec))
    assert last(service).state == "succeeded"
    assert "left behind: removal is already in progress" in last(service).steps.get(name="remove old").detail
    assert runs(engine) == {"web": "v2"}


def test_an_old_container_that_cannot_be_stopped_is_stopped_in_the_end() -> None:
    """However often that takes: two must not run for good, and the new one has proven that it does."""
    service, engine = deployed()
    stubborn = StubbornEngine(engine.images, _containers=engine._containers, stops=False)
    push(pushed(2, 2))
    for number in range(MAX_TRIES + 2):
        assert last(service).state == ("rolling" if number else "waiting")
        work(service, container_target(stubborn, START_FIRST))
        assert last(service).waits_for == "it cannot be stopped"
    stubborn.stops = True
    work(service, container_target(stubborn, START_FIRST))
    assert last(service).state == "succeeded"
    assert runs(engine) == {"web": "v2"}


@dataclass(slots=True)
class StubbornEngine(MemoryEngine):
    """Removes nothing, and stops only if it is willing."""

    stops: bool = True

    def stop(self, name: str, seconds: float) -> None:
        if not self.stops:
            raise EngineRefusal("it cannot be stopped")
        MemoryEngine.stop(self, name, seconds)

    def remove(self, name: str) -> None:
        raise EngineRefusal("removal is already in progress")
