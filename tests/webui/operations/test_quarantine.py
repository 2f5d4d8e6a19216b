"""The quarantine of a source as a page."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.log.models import Intake, QuarantinedEvent
from registryhub.access.models import HUB_SOURCE_ID, Source
from tests.notifications.log.making import logged, pull, sequence_all
from tests.webui.operations import scene
from webui.operations import quarantine

pytestmark = pytest.mark.django_db


@pytest.fixture
def edge(db: None) -> Source:
    return Source.objects.create(name="edge")


def put(source: Source, reason: str = "id: none", raw: bytes = b"?", **fields: Any) -> QuarantinedEvent:
    values = {"received_at": timezone.now() - timedelta(hours=2), **fields}
    return QuarantinedEvent.objects.create(source=source, raw=raw, reason=reason, **values)


def test_what_waits_is_shown_by_cause_and_one_by_one(edge: Source) -> None:
    """With the reason, when it came, and how it came: the first kibibyte of it."""
    put(edge, "late: it is of 2025", b"x" * 5000)
    put(edge, "late: it is of 2026", b"{}")
    put(edge, raw=b"\xff{")
    put(Source.objects.get(pk=HUB_SOURCE_ID), "another's: no")
    staff = scene.staff()
    page = scene.read(staff, "/sources/edge/quarantine")
    assert re.search(r'cause=late">late</a></td>\s*<td class="right">2</td>', page)
    for shown in ("late: it is of 2025", "2 h", "\\xff{", "5.0 kB", "x" * 1024):
        assert shown in page
    assert "x" * 1025 not in page
    assert "another" not in page
    only = scene.read(staff, "/sources/edge/quarantine", cause="id")
    assert "id: none" in only
    assert "it is of 2025" not in only


def test_what_came_from_outside_is_text(edge: Source) -> None:
    """It may be anything."""
    put(edge, f"{scene.NASTY}: x", scene.NASTY.encode(), discarded_at=None)
    put(edge, "x", discarded_at=timezone.now(), remark=scene.NASTY, discarded_by=scene.NASTY)
    root = scene.superuser()
    for query in ({}, {"cause": scene.NASTY}, {"state": "discarded"}, {"cursor": "nonsense", "cause": "\0"}):
        assert scene.NASTY not in scene.read(root, "/sources/edge/quarantine", **query)


def test_those_that_are_ticked_are_read_again(edge: Source) -> None:
    """They come into the log; the others wait."""
    first = put(edge, raw=pull("a"))
    put(edge, raw=pull("b"))
    foreign = put(Source.objects.get(pk=HUB_SOURCE_ID), raw=pull("c"))
    ticked = {"act": "retry", "scope": "ticked", "event": [first.pk, foreign.pk, "x"]}
    page = scene.superuser().post("/sources/edge/quarantine", ticked, follow=True).content.decode()
    assert "1 are read again" in page
    sequence_all()
    assert logged() == [(1, "a")]


def test_all_of_a_cause_are_read_again_or_discarded(edge: Source) -> None:
    """Discarding needs a reason, which is kept and shown with who it was."""
    for reason in ("late: 1", "late: 2", "id: none"):
        put(edge, reason, pull(reason))
    root = scene.superuser()
    path = "/sources/edge/quarantine"
    page = root.post(path, {"act": "discard", "scope": "all", "remark": " "}, follow=True).content.decode()
    assert "write why" in page
    root.post(path, {"act": "retry", "scope": "all", "cause": "late"})
    assert Intake.objects.count() == 2
    page = root.post(path, {"act": "discard", "scope": "all", "remark": "a test"}, follow=True).content.decode()
    assert "Nothing waits for a decision" in page
    discarded = scene.read(root, path, state="discarded")
    assert "Discarded by root" in discarded
    assert ": a test" in discarded
    assert 'value="retry"' not in discarded


def test_whoever_may_only_look_has_no_buttons(edge: Source) -> None:
    """And is refused."""
    put(edge)
    staff = scene.staff()
    assert 'value="retry"' not in scene.read(staff, "/sources/edge/quarantine")
    assert staff.post("/sources/edge/quarantine", {"act": "retry", "scope": "all"}).status_code == 403
    assert QuarantinedEvent.objects.exists()


def test_older_ones_are_on_older_pages(edge: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first."""
    monkeypatch.setattr(quarantine, "EVENTS_ON_A_PAGE", 2)
    for number in range(3):
        put(edge, f"reason number {number}")
    staff = scene.staff()
    page = scene.read(staff, "/sources/edge/quarantine")
    found = re.search(r'rel="next" href="\?([^"]+)"', page)
    assert found is not None
    older = scene.read(staff, f"/sources/edge/quarantine?{found[1]}").partition('id="events"')[2]
    assert re.findall(r"reason number \d", older) == ["reason number 0"]
