import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from notifications.log.models import QuarantinedEvent, SourceTally
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.access.repositories import ensure_repository
from registryhub.access.source_secrets import read_secrets
from registryhub.access.tokens import find_source
from tests.notifications.log.making import logged, pull, sequence_all
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


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_secret_is_shown_once_and_rotated(slash: str) -> None:
    """Made here, or brought by the sender."""
    ada = staff()
    made = ada.ask("POST", f"sources{slash}", {"name": "forge", "proof": "secret"}).document
    first = made.pop("secret")
    assert "token" not in made
    assert ada.get(f"sources/{made['id']}").document == made
    path = f"sources/{made['id']}/rotate-secret{slash}"
    second = ada.ask("POST", path, {"grace_seconds": 60, "secret": "the-sender-made-it"}).document["secret"]
    assert read_secrets(Source.objects.get(name="forge")) == ["the-sender-made-it", first]
    assert second == "the-sender-made-it"
    assert "16 to 200" in ada.ask("POST", path, {"secret": "short"}).document["detail"]


def test_a_source_tells_what_came_when_and_how_its_clock_goes() -> None:
    """In the list, and by itself."""
    ada = staff()
    made = ada.ask("POST", "sources", {"name": "edge"}).document
    assert (made["events"], made["last_received_at"]) == (0, None)
    assert made["clock"] == {"state": "", "offset_seconds": None}
    now = timezone.now()
    SourceTally.objects.create(
        source_id=made["id"], events=2, duplicates=1, last_received_at=now, last_occurred_at=now, offset_seconds=900.0
    )
    shown = ada.get(f"sources/{made['id']}").document
    assert (shown["events"], shown["duplicates"], shown["waiting"]) == (2, 1, 0)
    assert shown["last_received_at"] == shown["last_occurred_at"] is not None
    assert shown["clock"] == {"state": "ahead", "offset_seconds": 900.0}
    assert shown in ada.get("sources").document["results"]


def test_a_source_is_deleted_unless_it_has_something() -> None:
    """409 says what, and what to do instead."""
    ada = staff()
    for name in ("edge", "full"):
        ada.ask("POST", "sources", {"name": name})
    full = Source.objects.get(name="full")
    ensure_repository(full.pk, "app/web")
    assert ada.ask("DELETE", f"sources/{Source.objects.get(name='edge').pk}").status == 204
    answer = ada.ask("DELETE", f"sources/{full.pk}")
    assert answer.status == 409
    assert "disable it instead" in answer.document["detail"]
    assert {row["name"] for row in ada.get("sources").document["results"]} == {"full", "hub"}


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
    path = f"sources/{made['id']}"
    changed = ada.ask("PATCH", path, {"is_enabled": False, "events_per_second": 2.5, "name": "x"}).document
    assert (changed["is_enabled"], changed["events_per_second"], changed["name"]) == (False, 2.5, "edge")
    for wrong in (-1, 1e10, "nan"):
        assert ada.ask("PATCH", path, {"events_per_second": wrong}).status == 400
    assert find_source(made["token"]) is None


def test_only_staff_sees_and_makes_sources() -> None:
    """Others are told to log in."""
    user = Rest(User.objects.create_user("eve"))
    for path in ("sources", "sources/1", "quarantine"):
        assert visitor().get(path).status == 401
        assert user.get(path).status == 403
    assert visitor().ask("POST", "sources", {"name": "edge"}).status == 401
    for method, path in (
        ("POST", "sources/1/rotate-token"),
        ("POST", "sources/1/rotate-secret"),
        ("DELETE", "sources/1"),
        ("PATCH", "sources/1"),
        ("POST", "quarantine/1/retry"),
        ("POST", "quarantine/1/discard"),
        ("POST", "quarantine/retry"),
        ("POST", "quarantine/discard"),
    ):
        assert user.ask(method, path, {}).status == 403
        assert visitor().ask(method, path, {}).status == 401
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


def quarantined(name: str, reason: str) -> int:
    source = Source.objects.get_or_create(name=name)[0]
    raw, now = pull(f"{name} {reason}"), timezone.now()
    return QuarantinedEvent.objects.create(source=source, raw=raw, reason=reason, received_at=now).pk


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_is_read_once_more(slash: str) -> None:
    """It is gone from here, and in the log."""
    pk = quarantined("edge", "late: no")
    ada = staff()
    assert ada.ask("POST", f"quarantine/{pk}/retry{slash}").document == {"count": 1}
    sequence_all()
    assert [event_id for _, event_id in logged()] == ["edge late: no"]
    assert ada.ask("POST", f"quarantine/{pk}/retry{slash}").status == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_is_discarded_with_a_remark(slash: str) -> None:
    """Which is kept, with who it was; without one nothing happens."""
    pk = quarantined("edge", "late: no")
    ada = staff()
    assert ada.ask("POST", f"quarantine/{pk}/discard{slash}", {}).status == 400
    assert ada.ask("POST", f"quarantine/{pk}/discard{slash}", {"remark": "a test"}).document == {"count": 1}
    assert ada.get("quarantine?state=waiting").document["results"] == []
    [shown] = ada.get("quarantine?state=discarded").document["results"]
    assert (shown["remark"], shown["discarded_by"], shown["discarded_at"] is None) == ("a test", "ada", False)


@pytest.mark.parametrize("slash", ["", "/"])
def test_all_of_a_source_or_a_cause_are_decided_about(slash: str) -> None:
    """One of the two must be named, and nothing else."""
    for name, reason in (("edge", "late: 1"), ("edge", "late: 2"), ("edge", "id: none"), ("other", "late: 3")):
        quarantined(name, reason)
    ada = staff()
    for wrong in ({}, {"reason": "late"}):
        assert ada.ask("POST", f"quarantine/retry{slash}", wrong).status == 400
        assert ada.ask("POST", f"quarantine/discard{slash}", {"remark": "x", **wrong}).status == 400
    assert [row["reason"] for row in ada.get("quarantine?cause=late&source=edge").document["results"]] == [
        "late: 2",
        "late: 1",
    ]
    chosen = {"source": "edge", "cause": "late"}
    assert ada.ask("POST", f"quarantine/retry{slash}", chosen).document == {"count": 2}
    assert ada.ask("POST", f"quarantine/discard{slash}", {"cause": "late", "remark": "x"}).document == {"count": 1}
    assert ada.ask("POST", f"quarantine/retry{slash}", {"source": "edge"}).document == {"count": 1}
