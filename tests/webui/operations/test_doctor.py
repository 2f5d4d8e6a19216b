"""The doctor as a page."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from registryhub.doctor import checkups
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding
from registryhub.doctor.models import LONGEST_SECONDS, Checkup
from tests.servers.server import wait_until
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db

FINDINGS = [
    Finding("shipper", "ok", "the segment is in the intake", seconds=0.12),
    Finding("endpoint ci", "stopped", f"2 attempts have failed: {scene.NASTY}", "Start the receiver."),
]


def make_checkup(*, minutes: float = 0.0, is_finished: bool = True) -> Checkup:
    now = timezone.now()
    return Checkup.objects.create(
        started_at=now - timedelta(minutes=minutes),
        finished_at=now if is_finished else None,
        is_well=False if is_finished else None,
        findings=[finding.document() for finding in FINDINGS],
    )


def test_each_hop_says_how_it_is_and_what_to_do() -> None:
    """What others wrote is text and nothing else."""
    page = scene.read(scene.staff(), f"/doctor/{make_checkup().pk}")
    for shown in ("shipper", "120 ms", "stopped: endpoint ci", "→ Start the receiver.", "&lt;script&gt;"):
        assert shown in page
    assert scene.NASTY not in page
    assert "hx-get" not in page


def test_while_it_runs_the_page_comes_again_by_itself() -> None:
    """With script and without; what was given up is not waited for."""
    client = scene.staff()
    page = scene.read(client, f"/doctor/{make_checkup(is_finished=False).pk}")
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    page = scene.read(client, f"/doctor/{make_checkup(is_finished=False, minutes=LONGEST_SECONDS / 60).pk}")
    assert "not finished" in page
    assert "hx-trigger" not in page


def test_the_last_examinations_are_listed() -> None:
    """With how they went and who had asked; at first there are none."""
    client = scene.staff()
    assert "None yet." in scene.read(client, "/doctor")
    checkup = make_checkup()
    page = scene.read(client, "/doctor")
    for shown in (f'href="/doctor/{checkup.pk}"', "stopped: endpoint ci", "the command line"):
        assert shown in page


def test_the_webhooks_page_leads_to_the_doctor() -> None:
    """That is where people ask why nothing comes."""
    assert 'href="/doctor"' in scene.read(scene.staff(), "/webhooks")


@pytest.mark.parametrize("path", ["/doctor", "/doctor/1"])
def test_only_staff_may_see_it(path: str) -> None:
    """It tells of the machine."""
    assert scene.visitor().get(path).status_code == 302
    assert scene.member().get(path).status_code == 403
    assert scene.visitor().post("/doctor").status_code == 302
    assert Checkup.objects.count() == 0


def test_an_examination_that_does_not_exist_is_not_found() -> None:
    """Old ones are removed."""
    assert scene.staff().get("/doctor/99").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_examination_runs_beside_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer leads to its page at once; who asks while it runs is led to the same one."""
    may_go_on = threading.Event()

    def dawdle(visit: Visit) -> Iterator[Finding]:
        may_go_on.wait(10)
        yield Finding("journal", "ok", "is written")

    monkeypatch.setattr(checkups, "examine", dawdle)
    client = scene.staff()
    first = client.post("/doctor", {"delivers": "on"})
    checkup = Checkup.objects.get()
    assert first.headers["Location"] == f"/doctor/{checkup.pk}"
    assert (checkup.asked_by, checkup.delivers, checkup.state) == ("ada", True, Checkup.State.RUNNING)
    assert client.post("/doctor").headers["Location"] == f"/doctor/{checkup.pk}"
    may_go_on.set()
    assert wait_until(lambda: Checkup.objects.get().is_well is True, 10)
    assert "all is well" in scene.read(client, f"/doctor/{checkup.pk}")
