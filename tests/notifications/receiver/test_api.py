import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from notifications.log.models import QuarantinedEvent
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.access.tokens import find_source
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_source_is_made_and_its_token_shown_once(slash: str) -> None:
    """With and without the trailing slash, never by redirect."""
    ada = staff()
    answer = ada.ask("POST", f"sources{slash}", {"name": "edge.example.org:5000", "is_public": True})
    assert answer.status == 201
    made = answer.document
    found = find_source(made.pop("token"))
    assert found is not None
    assert (found.pk, found.is_public) == (made["id"], True)
    assert ada.get(f"sources/{made['id']}{slash}").document == made
    listed = ada.get(f"sources{slash}").document
    assert listed["next"] is None
    assert [row["name"] for row in listed["results"]] == ["edge.example.org:5000", "hub"]
    assert "token" not in listed["results"][0]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_token_is_rotated(slash: str) -> None:
    """The old one ends at once, or after a grace."""
    ada = staff()
    made = ada.ask("POST", "sources", {"name": "edge"}).document
    second = ada.ask("POST", f"sources/{made['id']}/rotate-token{slash}", {"grace_seconds": 60}).document["token"]
    assert find_source(made["token"]) is not None
    third = ada.ask("POST", f"sources/{made['id']}/rotate-token{slash}").document["token"]
    assert [find_source(one) is not None for one in (made["token"], second, third)] == [False, False, True]


def test_what_cannot_be_is_refused_with_the_reason() -> None:
    """400 names the field; unknown sources are 404."""
    ada = staff()
    assert "already" in ada.ask("POST", "sources", {"name": "hub"}).document["name"]
    assert "no name for a source" in ada.ask("POST", "sources", {"name": "a b"}).document["name"]
    assert ada.ask("POST", "sources", {}).status == 400
    assert "hub's own" in ada.ask("POST", f"sources/{HUB_SOURCE_ID}/rotate-token").document["detail"]
    assert ada.ask("POST", "sources/999/rotate-token").status == 404
    assert ada.get(f"sources/{'9' * 18}").status == 404
    assert ada.get("sources?cursor=nonsense").status == 400
    assert ada.get("sources?limit=0").status == 400


def test_a_source_is_disabled_by_a_change() -> None:
    """Its token finds nothing from then on; its name cannot change, its history hangs on it."""
    ada = staff()
    made = ada.ask("POST", "sources", {"name": "edge"}).document
    changed = ada.ask("PATCH", f"sources/{made['id']}", {"is_enabled": False, "name": "x"}).document
    assert (changed["is_enabled"], changed["name"]) == (False, "edge")
    assert find_source(made["token"]) is None


def test_only_staff_sees_and_makes_sources() -> None:
    """Others are told to log in."""
    user = Rest(User.objects.create_user("eve"))
    for path in ("sources", "sources/1", "quarantine"):
        assert visitor().get(path).status == 401
        assert user.get(path).status == 403
    assert visitor().ask("POST", "sources", {"name": "edge"}).status == 401
    assert user.ask("POST", "sources/1/rotate-token").status == 403
    assert not Source.objects.filter(name="edge").exists()


def test_sources_are_paged() -> None:
    """By name, following `next`."""
    Source.objects.bulk_create([Source(name=f"s{number:02}") for number in range(7)])
    names = [row["name"] for row in staff().all("sources?limit=3")]
    assert names == ["hub", *(f"s{number:02}" for number in range(7))]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_quarantine_shows_what_came_and_why_it_was_refused(slash: str) -> None:
    """The latest first; huge ones only in part; bytes that are no text are shown too."""
    edge = Source.objects.create(name="edge")
    for source, raw in ((HUB_SOURCE_ID, b"\xff{"), (edge.pk, b"x" * 5000), (edge.pk, b"{}")):
        QuarantinedEvent.objects.create(source_id=source, raw=raw, reason="no", received_at=timezone.now())
    rows = staff().all(f"quarantine{slash}?limit=2")
    assert [(row["source"], row["size"], len(row["raw"])) for row in rows] == [
        ("edge", 2, 2),
        ("edge", 5000, 4096),
        ("hub", 2, 2),
    ]
    assert rows[2]["raw"] == "�{"
    one = Rest(User.objects.get(username="ada")).get(f"quarantine{slash}?source=hub").document["results"]
    assert [row["reason"] for row in one] == ["no"]
