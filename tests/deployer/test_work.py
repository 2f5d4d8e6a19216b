"""What wakes a worker, and what it finds when it comes twice, too late or beside another."""

import pytest
from celery.worker import state
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from deployer import tasks, wake, work
from deployer.claims import claim
from deployer.models import Deployment
from deployer.targets.memory import Behaviour, MemoryEngine
from registryhub.celery import app
from tests.deployer.deploying import container_target, engine_with, make_service, push, pushed, runs, states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    """The services that workers were woken for, and after how many seconds."""
    messages: list[tuple[int, float | None]] = []

    def send_task(name: str, *, args: tuple[int], countdown: float | None, **options: object) -> None:
        assert name in app.tasks
        assert options["expires"]
        messages.append((args[0], countdown))

    monkeypatch.setattr(app, "send_task", send_task)
    return messages


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    engine = engine_with(v1=Behaviour())
    monkeypatch.setattr(tasks, "make_target", container_target(engine))
    return engine


def test_a_push_wakes_a_worker_after_the_debounce(sent: list[tuple[int, float | None]]) -> None:
    """Once, however many pushes join."""
    service = make_service(debounce_seconds=2.0)
    push(pushed(1, 1), pushed(2, 1))
    [(woken, seconds)] = sent
    assert woken == service.pk
    assert seconds == pytest.approx(2.0, abs=0.1)


def test_a_broker_that_does_not_answer_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is there, and the sweep finds it."""

    def refuse(*args: object, **options: object) -> None:
        raise OperationalError("nobody there")

    monkeypatch.setattr(app, "send_task", refuse)
    service = make_service()
    push(pushed(1, 1))
    assert states(service) == ["waiting"]
    assert work.due_services() == [service.pk]


def test_the_sweep_wakes_for_what_is_due(sent: list[tuple[int, float | None]], engine: MemoryEngine) -> None:
    """And for nothing else: neither for what is over nor for what may still wait."""
    due, waiting = make_service("due"), make_service("waiting", debounce_seconds=60)
    push(pushed(1, 1))
    sent.clear()
    tasks.sweep()
    assert sent == [(due.pk, None)]
    tasks.roll_out(due.pk)
    sent.clear()
    tasks.sweep()
    assert sent == []
    assert states(waiting) == ["waiting"]


def test_waking_twice_deploys_once(sent: list[tuple[int, float | None]], engine: MemoryEngine) -> None:
    """The second finds nothing to do."""
    service = make_service()
    push(pushed(1, 1))
    tasks.roll_out(service.pk)
    tasks.roll_out(service.pk)
    assert states(service) == ["succeeded"]
    assert runs(engine) == {"web": "v1"}


def test_a_service_that_another_worker_holds_is_passed_over(engine: MemoryEngine) -> None:
    """Two workers at once: one works, the other goes away."""
    service = make_service()
    push(pushed(1, 1))
    with claim(service.pk, lambda: False):
        tasks.roll_out(service.pk)
    assert states(service) == ["waiting"]
    tasks.roll_out(service.pk)
    assert states(service) == ["succeeded"]


def test_before_it_is_due_nothing_is_begun(engine: MemoryEngine) -> None:
    """A message that comes early changes nothing."""
    service = make_service(debounce_seconds=60)
    push(pushed(1, 1))
    tasks.roll_out(service.pk)
    assert states(service) == ["waiting"]
    Deployment.objects.update(due_at=timezone.now())
    tasks.roll_out(service.pk)
    assert states(service) == ["succeeded"]


def test_settings_that_cannot_be_used_fail_the_deployment(settings: Settings) -> None:
    """With the mend as its reason, before anything is touched."""
    service = make_service(settings={"mounts": ["/etc:/etc"]})
    push(pushed(1, 1))
    tasks.roll_out(service.pk)
    [deployment] = service.deployments.all()
    assert deployment.state == "failed"
    assert "hub.deployer.binds" in deployment.reason


def test_a_worker_that_is_shutting_down_begins_nothing(monkeypatch: pytest.MonkeyPatch, engine: MemoryEngine) -> None:
    """Celery's own flag says so; the service is free for the next worker."""
    service = make_service()
    push(pushed(1, 1))
    monkeypatch.setattr(state, "should_stop", 0)
    tasks.roll_out(service.pk)
    service.refresh_from_db()
    assert states(service) == ["waiting"]
    assert service.holder == ""
    assert wake.ROLL_OUT in app.tasks
