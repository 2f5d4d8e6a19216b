"""Examinations: every check is made, whatever becomes of the others, and written down."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from registryhub.doctor.checkups import KEPT, begin, carry_out
from registryhub.doctor.complaints import MAX_TEXT, complain, last_complaint
from registryhub.doctor.examination import Visit, examine
from registryhub.doctor.findings import Finding, is_well
from registryhub.doctor.models import Checkup, Complaint
from tests import rest
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=1)


def well(visit: Visit) -> Iterator[Finding]:
    yield Finding("journal", "ok", "is written [and] synced", seconds=0.25)


def ill(visit: Visit) -> Iterator[Finding]:
    yield Finding("endpoint ci", "stopped", "answers 503", "Start it.")


def poor(visit: Visit) -> Iterator[Finding]:
    yield Finding("quarantine", "warning", "one event")


def broken(visit: Visit) -> Iterator[Finding]:
    yield Finding("first", "ok", "as far as that")
    raise ValueError("a bug")


def away(visit: Visit) -> Iterator[Finding]:
    yield from ()
    raise OperationalError("connection refused\nIs the server running?")


@pytest.fixture
def choose(settings: Settings) -> Any:
    def choose(*names: str) -> None:
        settings.DOCTOR_CHECKS = {name: f"{__name__}.{name}" for name in names}

    return choose


def run(*arguments: str) -> tuple[str, int]:
    """What the command prints, and its exit status."""
    out = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def test_a_check_that_fails_does_not_end_the_examination(choose: Any) -> None:
    """A bug is told as such; without the database the rest is skipped, check by check."""
    choose("broken", "away", "well")
    found = list(examine(Visit(None)))
    assert [(finding.name, finding.state) for finding in found] == [
        ("first", "ok"),
        ("broken", "stopped"),
        ("away", "skipped"),
        ("journal", "ok"),
    ]
    assert found[2].words == "needs the database: connection refused"


def test_only_what_is_stopped_makes_it_ill() -> None:
    """Slow, worth a look or left out is not ill."""
    assert is_well([Finding(state, state, "") for state in ("ok", "slow", "warning", "skipped")])
    assert not is_well([Finding("x", "ok", ""), Finding("y", "stopped", "")])


def test_an_examination_is_written_down_as_it_goes(choose: Any) -> None:
    """Whoever looks in between sees what is known so far."""
    choose("well", "ill")
    checkup = begin("ada")
    going = carry_out(checkup)
    next(going)
    checkup.refresh_from_db()
    assert ([finding["name"] for finding in checkup.findings], checkup.is_well) == (["journal"], None)
    list(going)
    checkup.refresh_from_db()
    assert (len(checkup.findings), checkup.is_well, checkup.state) == (2, False, Checkup.State.FINISHED)


def test_old_examinations_are_removed() -> None:
    """The newest are kept."""
    for _ in range(KEPT + 3):
        newest = begin()
    assert Checkup.objects.count() == KEPT
    assert Checkup.objects.latest("id") == newest


def test_the_command_prints_each_hop_and_what_to_do(choose: Any) -> None:
    """With exit status 1 when something is stopped."""
    choose("well", "poor", "ill")
    text, status = run()
    assert status == 1
    for line in ("✓ journal", "0.25 s is written [and] synced", "! quarantine", "✗ endpoint ci", "→ Start it."):
        assert line in text
    assert text.endswith("Stopped: endpoint ci\n")


def test_a_healthy_hub_has_exit_status_zero(choose: Any) -> None:
    """Warnings do not change that: a monitor may run it."""
    choose("well", "poor")
    text, status = run("--patience", "1s")
    assert (status, text.endswith("All is well.\n")) == (0, True)


def test_programs_read_json(choose: Any) -> None:
    """The same, and nothing else on the output."""
    choose("well", "ill")
    text, status = run("--json")
    assert (json.loads(text)["well"], status) == (False, 1)
    assert json.loads(text)["findings"][1] == {
        "name": "endpoint ci",
        "state": "stopped",
        "words": "answers 503",
        "mend": "Start it.",
        "seconds": None,
    }


def test_the_command_works_without_a_database(choose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing can be written down, and the rest is still looked at."""
    choose("well")

    def fail(**_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Checkup.objects, "create", fail)
    text, status = run()
    assert ("✓ journal" in text, status) == (True, 0)


@pytest.mark.django_db(transaction=True)
def test_staff_begin_an_examination_by_rest(choose: Any) -> None:
    """They are answered at once, and ask for what was found; a misspelt wish is refused."""
    choose("well")
    asking = rest.staff()
    begun = asking.ask("POST", "doctor", {"delivers": True})
    assert (begun.status, begun.document["delivers"]) == (202, True)
    assert wait_until(lambda: Checkup.objects.get().finished_at is not None, 10)
    found = asking.get(f"doctor/{begun.document['id']}")
    assert (found.status, found.document["state"], found.document["asked_by"]) == (200, "finished", "ada")
    assert found.document["findings"][0]["name"] == "journal"
    assert asking.ask("POST", "doctor/", {"deliver": True}).status == 400
    assert asking.get("doctor/999").status == 404


def test_nobody_else_may_ask() -> None:
    """It tells of the machine."""
    asking = rest.visitor()
    assert asking.ask("POST", "doctor").status in (401, 403)
    assert asking.get("doctor/1").status in (401, 403)
    assert Checkup.objects.count() == 0


def test_the_last_complaint_is_kept_by_its_subject() -> None:
    """What cannot be stored is made storable, what is long is cut, and what is older than asked for is over."""
    complain("consumer a", ValueError("first"))
    complain("consumer a", ValueError("no \0 and no \ud800" + "x" * 1000))
    complain("consumer b", KeyError("b"))
    text = last_complaint("consumer a", since=LONG_AGO)
    assert text.startswith("ValueError: no \\0 and no \\ud800xxx")
    assert len(text) <= MAX_TEXT + len("\\ud800")
    assert last_complaint("consumer a", since=timezone.now() + timedelta(days=1)) == ""
    assert last_complaint("consumer c", since=LONG_AGO) == ""
    assert Complaint.objects.count() == 2
