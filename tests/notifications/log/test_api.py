from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from notifications.log import api, listing, moments
from notifications.log.models import Consumer, Intake, QuarantinedEvent
from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from tests.notifications.delivery.stage import log_events
from tests.notifications.log.making import intake_pull, sequence_all, store
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db


def ids(asker: Rest, query: str = "") -> list[str]:
    return [row["event"]["id"] for row in asker.get(f"events?{query}").document["events"]]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_log_is_read_in_order(slash: str) -> None:
    """With and without the trailing slash; each event as the wire has it."""
    intake_pull("a", tag="v1")
    store("b")
    sequence_all()
    answer = staff().get(f"events{slash}")
    assert answer.status == 200
    document = answer.document
    assert (document["head"], document["next"]) == (2, None)
    first, second = document["events"]
    assert (first["seq"], first["source"], second["seq"]) == (1, "hub", 2)
    assert first["received_at"].endswith("Z")
    event = first["event"]
    assert (event["id"], event["action"], event["target"]["tag"], event["actor"]) == (
        "a",
        "pull",
        "v1",
        {"name": "ann"},
    )
    assert event["request"]["addr"] == "203.0.113.9:4711"


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    """`next` goes on where the page ended, until the head."""
    store(*(f"e{number}" for number in range(10)))
    sequence_all()
    ada = staff()
    seen, after, pages = [], 0, 0
    while after is not None:
        document = ada.get(f"events?limit=4&after={after}").document
        seen += [row["seq"] for row in document["events"]]
        after, pages = document["next"], pages + 1
    assert seen == list(range(1, 11))
    assert pages == 3
    assert ada.get("events?after=10").document == {"events": [], "next": None, "head": 10, "tail": 1}
    assert ada.get(f"events?after={2**63 - 1}").document["events"] == []


def test_an_empty_log_is_an_empty_page() -> None:
    """Before the first event there is no head row either."""
    assert staff().get("events").document == {"events": [], "next": None, "head": 0, "tail": 1}


def test_events_are_chosen_by_what_they_are_about() -> None:
    """Each filter alone, and together."""
    other = Source.objects.create(name="edge.example.org:5000").pk
    intake_pull("a", repository="one", tag="v1", digest="sha256:" + "1" * 64)
    intake_pull("b", repository="two", tag="v2", action="push")
    intake_pull("c", repository="one", tag="v2", source_id=other)
    sequence_all()
    ada = staff()
    assert ids(ada, "repository=one") == ["a", "c"]
    assert ids(ada, "action=push") == ["b"]
    assert ids(ada, "source=hub") == ["a", "b"]
    assert ids(ada, "source=edge.example.org:5000") == ["c"]
    assert ids(ada, "tag=v2") == ["b", "c"]
    assert ids(ada, "digest=sha256:" + "1" * 64) == ["a"]
    assert ids(ada, "repository=one&tag=v2&source=edge.example.org:5000") == ["c"]
    assert ids(ada, "repository=One") == ids(ada, "source=nowhere") == []


def test_a_page_looks_at_a_bounded_number_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that matches little does not scan the log: the page is short, and says where to go on."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    store(*(f"e{number}" for number in range(7)))
    intake_pull("wanted", action="delete")
    sequence_all()
    ada = staff()
    assert ada.get("events?action=delete").document == {"events": [], "next": 3, "head": 8, "tail": 1}
    assert ada.get("events?action=delete&after=3").document == {"events": [], "next": 6, "head": 8, "tail": 1}
    assert ids(ada, "action=delete&after=6") == ["wanted"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=x", "after"),
        (f"after={2**63}", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("action=steal", "action"),
        ("repository=a%00b", "repository"),
        ("tag=" + "x" * 129, "tag"),
        ("repo=one", "repo"),
    ],
)
def test_a_question_that_cannot_be_is_refused_by_its_field(query: str, field: str) -> None:
    """400 with the name of the parameter, also of one that does not exist."""
    answer = staff().get(f"events?{query}")
    assert answer.status == 400
    assert list(answer.document) == [field]


def test_others_see_what_is_public_and_nothing_of_people() -> None:
    """No names, addresses or user agents, and no other repository's name."""
    Repository.objects.create(source_id=HUB_SOURCE_ID, name="open", is_public=True)
    Repository.objects.create(source_id=HUB_SOURCE_ID, name="closed")
    other = Source.objects.create(name="edge").pk
    intake_pull("a", repository="open", action="mount", from_repository="closed")
    intake_pull("b", repository="closed")
    intake_pull("c", repository="open", source_id=other)
    intake_pull("d", repository="unheard-of")
    sequence_all()
    assert ids(visitor()) == ["a"]
    answer = visitor().get("events")
    for secret in ("ann", "203.0.113", "docker/", "closed", "hub.example.org", "i-1"):
        assert secret not in answer.text
    assert answer.document["events"][0]["event"]["target"]["repository"] == "open"
    assert answer.document["next"] is None
    assert ids(visitor(), "repository=closed") == []
    assert ids(staff()) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_state_of_the_log_is_for_staff(slash: str) -> None:
    """Where it stands, what waits before it, and who is behind."""
    store("a", "b", "c")
    sequence_all()
    store("d")
    QuarantinedEvent.objects.create(source_id=HUB_SOURCE_ID, raw=b"?", reason="?", received_at=timezone.now())
    Consumer.objects.create(name="counters", position=3, holder="node:1:aa", expires_at=timezone.now())
    Consumer.objects.create(name="endpoint:hook", position=1)
    document = staff().get(f"log{slash}").document
    assert (document["head"], document["intake"], document["quarantined"]) == (3, 1, 1)
    counters, hook = document["consumers"]
    assert (counters["name"], counters["position"], counters["lag"]) == ("counters", 3, 0)
    assert (counters["oldest_pending_seconds"], counters["holder"]) == (None, "node:1:aa")
    assert (hook["lag"], hook["holder"], hook["expires_at"]) == (2, "", None)
    assert hook["oldest_pending_seconds"] >= 0
    assert visitor().get("log").status in (401, 403)


def test_the_state_tells_what_is_left_in_the_journal() -> None:
    """Of the node that answers; empty segments wait for nothing."""
    folder = settings.DATA_DIR / "journal"
    folder.mkdir(exist_ok=True)
    ada = staff()
    before = ada.get("log").document["journal"]
    paths = [folder / f"state-{number}.journal" for number in range(3)]
    try:
        for path, content in zip(paths, (b"x" * 10, b"y" * 20, b""), strict=True):
            path.write_bytes(content)
        journal = ada.get("log").document["journal"]
    finally:
        for path in paths:
            path.unlink()
    assert (journal["segments"] - before["segments"], journal["bytes"] - before["bytes"]) == (2, 30)
    assert journal["oldest_seconds"] >= 0


def test_counts_in_the_state_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here counts a large table."""
    monkeypatch.setattr("notifications.log.state.MAX_COUNTED", 2)
    for _ in range(4):
        store("a")
    assert Intake.objects.count() == 4
    assert staff().get("log").document["intake"] == 2


def test_the_newest_come_first_before_a_number() -> None:
    """`next` goes on below, down to the beginning; the wire's JSON is the same, in few queries."""
    store(*(f"e{number}" for number in range(5)))
    sequence_all()
    ada = staff()
    first = ada.get("events?before=9&limit=3").document
    assert [row["event"]["id"] for row in first["events"]] == ["e4", "e3", "e2"]
    assert first["events"][0]["event"]["actor"] == {"name": "ann"}
    second = ada.get(f"events?before={first['next']}&limit=3").document
    assert ([row["seq"] for row in second["events"]], second["next"]) == ([2, 1], None)
    assert ada.get("events?before=3&after=1").status == 400


def test_events_are_chosen_by_when_they_came_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, in both directions; and nothing after the end of the time is looked at."""
    monkeypatch.setattr(moments, "ROUGHLY", 2)
    monkeypatch.setattr(api, "ROUGHLY", 2)
    began = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    for minute in range(20):
        log_events(1, received_at=began + timedelta(minutes=minute))
    ada = staff()

    def at(minute: int) -> str:
        return (began + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def found(query: str) -> list[int]:
        return [row["seq"] for row in ada.get(f"events?{query}").document["events"]]

    assert found(f"since={at(15)}") == [16, 17, 18, 19, 20]
    assert found(f"until={at(3)}") == [1, 2, 3]
    assert found(f"since={at(5)}&until={at(8)}") == [6, 7, 8]
    assert found(f"since={at(5)}&until={at(8)}&before=1000") == [8, 7, 6]
    assert found(f"since={at(5)}&until={at(8)}&after=7") == [8]
    assert ada.get(f"events?until={at(3)}").document["next"] is None
    assert ada.get("events?since=yesterday").status == 400


def test_staff_ask_who_it_was_and_others_may_not() -> None:
    """Else they would find out by asking."""
    intake_pull("a", actor="ann")
    intake_pull("b", actor="bob")
    sequence_all()
    assert ids(staff(), "actor=bob") == ["b"]
    answer = visitor().get("events?actor=bob")
    assert (answer.status, answer.document) == (400, {"actor": ["Only staff may ask for people."]})
