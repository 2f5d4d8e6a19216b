"""The doctor's checks of what the hub runs on."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from pytest_django import Settings

from registryhub.config.errors import Problem
from registryhub.doctor import tasks
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding
from registryhub.doctor.models import Checkup
from registryhub.processes import checks
from registryhub.processes.locks import serving
from registryhub.registry import checks as registry_checks
from registryhub.storage.filesystem import FilesystemDriver

VISIT = Visit(None, patience_seconds=0)

pytestmark = pytest.mark.django_db


def look(check: Callable[[Visit], Iterable[Finding]], visit: Visit = VISIT) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in check(visit)}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.state for name, finding in found.items()}


def test_what_the_configuration_warns_of_is_told(settings: Settings) -> None:
    """It could be read, or nothing would run."""
    assert states(look(checks.look_at_configuration)) == {"configuration": "ok"}
    settings.HUB = settings.HUB.with_warnings([Problem("a bare number is nanoseconds", "hub.x")])
    found = look(checks.look_at_configuration)["configuration"]
    assert (found.state, "bare number" in found.words) == ("warning", True)


def test_which_roles_run_here_is_told_by_their_locks(settings: Settings, tmp_path: Path) -> None:
    """The kernel lets go of a lock when its process dies, so a file that was left says nothing."""
    settings.DATA_DIR = tmp_path
    found = look(checks.look_at_programs)["programs"]
    assert (found.state, "the hub does not run here" in found.words) == ("warning", True)
    with serving(tmp_path, ("web", "relay")):
        assert "this node serves web (process " in look(checks.look_at_programs)["programs"].words
    assert states(look(checks.look_at_programs)) == {"programs": "warning"}


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its room."""
    assert states(look(checks.look_at_disks)) == {"data folder": "ok", "storage folder": "ok"}
    monkeypatch.setattr("os.access", lambda *_: False)
    found = look(checks.look_at_disks)["data folder"]
    assert (found.state, "cannot be written" in found.words) == ("stopped", True)


@pytest.mark.parametrize(("free", "state"), [(99, "stopped"), (150, "warning"), (250, "ok")])
def test_a_disk_that_fills_is_told_before_it_is_full(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    """Below `hub.limits.free_bytes`, 100 MiB, pushes are refused."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free << 20}))
    assert states(look(checks.look_at_disks)) == {"data folder": state, "storage folder": state}


def test_a_database_that_answers_is_well() -> None:
    """With all its tables, and a clock that agrees."""
    assert set(states(look(checks.look_at_database)).values()) == {"ok"}


def test_a_database_that_does_not_answer_is_all_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the key to correct."""

    def fail() -> None:
        raise OperationalError("connection refused\nIs it running?")

    monkeypatch.setattr(checks, "_read_clock", fail)
    found = look(checks.look_at_database)
    assert found.keys() == {"database"}
    assert found["database"].words == "does not answer: connection refused Is it running?"
    assert "hub.database.url" in found["database"].mend


def test_tables_older_than_the_code_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to bring them up to date."""
    monkeypatch.setattr(checks, "pending_migrations", lambda: ["log.0042_more"])
    found = look(checks.look_at_database)["migrations"]
    assert (found.state, found.words) == ("stopped", "1 are pending, the first is log.0042_more")


def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases go by the database's, events by this machine's."""
    monkeypatch.setattr(checks, "_read_clock", lambda: datetime.now(UTC) - timedelta(minutes=2))
    found = look(checks.look_at_database)["clock"]
    assert (found.state, "differ by 120 s" in found.words) == ("warning", True)


def test_redis_is_asked_where_it_is_used(settings: Settings) -> None:
    """And a wrong address is told, without its password."""
    used = django_settings.HUB.redis_url is not None
    assert states(look(checks.look_at_redis)) == ({"redis": "ok"} if used else {})
    redis = settings.HUB.hub.redis.model_validate({"url": "redis://:secret@127.0.0.1:1/0"})
    hub = settings.HUB.hub.model_copy(update={"redis": redis})
    settings.HUB = settings.HUB.model_copy(update={"hub": hub})
    found = look(checks.look_at_redis)["redis"]
    assert found.state == "stopped"
    assert "secret" not in found.words


def test_a_worker_answers_by_carrying_out_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is a task's, sent as all others are."""
    checkup = Checkup.objects.create()
    monkeypatch.setattr(checks, "wake", lambda task, pk: {tasks.answer.name: tasks.answer}[task](pk))
    found = look(checks.ask_worker, Visit(checkup.pk, patience_seconds=0))["worker"]
    assert (found.state, found.words) == ("ok", "has carried out a task")


def test_a_worker_that_is_dead_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what does not happen without it."""
    monkeypatch.setattr(checks, "wake", lambda *_: None)
    found = look(checks.ask_worker, Visit(Checkup.objects.create().pk, patience_seconds=0))["worker"]
    assert found.state == "stopped"
    assert "no deployment" in found.words
    assert "role worker" in found.mend


def test_the_storage_is_tried_and_left_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file is written, read and removed."""
    monkeypatch.setattr(registry_checks, "configured_driver", lambda: FilesystemDriver(tmp_path))
    assert states(look(registry_checks.try_storage)) == {"storage": "ok"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_storage_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the system's own words."""
    (tmp_path / "blobs").touch()
    monkeypatch.setattr(registry_checks, "configured_driver", lambda: FilesystemDriver(tmp_path / "blobs"))
    found = look(registry_checks.try_storage)["storage"]
    assert (found.state, found.words.startswith("a file cannot be kept: ")) == ("stopped", True)


def test_a_storage_that_returns_something_else_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that lies is worse than none."""
    driver = FilesystemDriver(tmp_path)
    monkeypatch.setattr(driver, "open_reader", lambda _: _Liar())
    monkeypatch.setattr(registry_checks, "configured_driver", lambda: driver)
    assert states(look(registry_checks.try_storage)) == {"storage": "stopped"}


class _Liar(list[bytes]):
    def close(self) -> None: ...
