"""Numbers by whatever they are grouped by, for whoever may see them, and not sent twice."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.log.models import Consumer
from registryhub.access.models import Repository, Source
from registryhub.access.repositories import set_public
from tests.notifications.analytics.logged import counted, logged
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db

AMD, ARM = '{"platforms":["linux/amd64"]}', '{"platforms":["linux/arm64"]}'


@pytest.fixture
def used(db: None) -> None:
    """Two repositories of this hub, one of them private, and one of another registry."""
    now = timezone.now()
    edge = Source.objects.create(name="edge")
    counted(
        logged("pull", "open", occurred_at=now, address="10.0.0.1:1", facts=AMD, digest="sha256:" + "1" * 64),
        logged("pull", "open", occurred_at=now, address="10.0.0.2:1", facts=ARM, actor="ann", user_agent="skopeo/1.9"),
        logged("pull", "open", occurred_at=now, address="10.0.0.3:1", user_agent="trivy/0.50"),
        logged("check", "open", occurred_at=now, address="10.0.0.4:1"),
        logged("push", "open", tag="v2", occurred_at=now, actor="bob"),
        logged("pull", "open", occurred_at=now - timedelta(days=3), address="10.0.0.1:1"),
        *(logged("pull", "closed", occurred_at=now, address=f"10.0.1.{host}:1", facts=AMD) for host in range(9)),
        logged("pull", "theirs", source_id=edge.pk, occurred_at=now),
    )
    for repository in Repository.objects.all():
        set_public(repository.pk, is_public=repository.name == "open")


def totals(who: Rest, query: str, value: str = "pulls") -> dict[str, int]:
    answer = who.get(f"stats?{query}")
    assert answer.status == 200, answer.text
    return {group["name"]: group["totals"][value] for group in answer.document["groups"]}


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_everything_can_be_grouped_by(interval: str) -> None:
    """Of a repository; each grouping adds up to what is counted."""
    asked = f"repository=open&interval={interval}&start={timezone.now() - timedelta(days=4):%Y-%m-%d}&group_by="
    ada = staff()
    assert totals(ada, asked + "tag") == {"latest": 3, "v2": 0}
    assert sorted(totals(ada, asked + "digest").values()) == [1, 2]
    assert totals(ada, asked + "audience") == {"unknown": 3, "scanner": 0}
    assert totals(ada, asked + "audience", "excluded") == {"unknown": 0, "scanner": 1}
    assert totals(ada, asked + "client") == {"docker": 2, "skopeo": 1, "trivy": 0}
    assert totals(ada, asked + "platform") == {"linux/amd64": 1, "linux/arm64": 1}
    assert totals(ada, asked + "actor") == {"": 2, "ann": 1, "bob": 0}
    actions = totals(ada, asked + "action", "requests")
    assert (actions["pull_tag"], actions["version_check"], actions["push"]) == (4, 1, 1)


@pytest.mark.usefixtures("used")
def test_everything_can_be_asked_for() -> None:
    """Alone and together with a grouping; of all repositories too."""
    ada = staff()
    assert ada.get("stats?client=skopeo").document["totals"]["pulls"] == 1
    assert ada.get("stats?platform=linux/amd64").document["totals"]["pulls"] == 10
    assert ada.get("stats?audience=scanner").document["totals"]["excluded"] == 1
    assert ada.get("stats?repository=open&actor=bob").document["totals"]["pushes"] == 1
    assert ada.get(f"stats?repository=open&digest=sha256:{'1' * 64}").document["totals"]["pulls"] == 1
    assert totals(ada, "group_by=client&audience=unknown") == {"docker": 11, "skopeo": 1}
    found = ada.get("stats?client=skopeo&action=pull_tag").document
    assert found["only"] == {"client": "skopeo", "action": "pull_tag"}


@pytest.mark.usefixtures("used")
def test_repositories_are_compared() -> None:
    """Those that are named, the most pulled first; sources by what is added up of them."""
    ada = staff()
    assert totals(ada, "repository=open&repository=closed") == {"closed": 9, "open": 3}
    assert totals(ada, "repository=open&repository=closed&tag=latest") == {"closed": 9, "open": 3}
    assert totals(ada, "group_by=source") == {"hub": 12, "edge": 1}
    assert totals(ada, "repository=open&repository=closed&group_by=platform") == {"linux/amd64": 10, "linux/arm64": 1}
    assert ada.get("stats?repository=open&repository=nowhere").status == 404


@pytest.mark.usefixtures("used")
def test_pullers_are_of_each_day() -> None:
    """Also of one that is not over; not of an hour."""
    ada = staff()
    found = ada.get("stats?repository=open").document
    assert found["totals"]["pullers"] == 3
    assert found["points"][-1]["pullers"] == 2
    assert ada.get("stats?repository=open&interval=hour").document["totals"]["pullers"] is None


@pytest.mark.usefixtures("used")
def test_what_is_private_is_in_no_number_of_others() -> None:
    """Whatever is asked for; and who it was is for staff."""
    for who in (visitor(), Rest(User.objects.create_user("eve"))):
        assert who.get("stats").document["totals"]["pulls"] == 3
        assert totals(who, "group_by=repository") == {"open": 3}
        assert totals(who, "group_by=source") == {"hub": 3}
        assert totals(who, "group_by=platform") == {"linux/amd64": 1, "linux/arm64": 1}
        assert totals(who, "group_by=client") == {"docker": 2, "skopeo": 1, "trivy": 0}
        assert totals(who, "group_by=action", "requests")["pull_tag"] == 4
        assert who.get("stats?repository=open&repository=closed").status == 404
        assert who.get("stats?repository=closed&group_by=tag").status == 404
        for query in ("actor=ann", "group_by=actor", "repository=open&group_by=actor"):
            assert who.get(f"stats?{query}").status in (401, 403)
        assert who.get("leaderboards/top-actors").status == 404
        assert who.get("leaderboards/fastest-to-running").status == 404
        boards = [board["board"] for board in who.get("leaderboards").document["results"]]
        assert "most-pulled" in boards
        assert "top-actors" not in boards
        for board in boards:
            for window in ("24h", "7d", "all"):
                assert "closed" not in who.get(f"leaderboards/{board}?window={window}").text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("digest=sha256:0", "digest"),
        ("repository=a&tag=b&group_by=tag", "group_by"),
        ("repository=a&repository=b&group_by=digest", "group_by"),
        ("repository=a&group_by=repository", "group_by"),
        ("source=hub&group_by=source", "group_by"),
        ("repository=a&tag=b&group_by=client", "group_by"),
        ("platform=linux/amd64&action=push", "platform"),
        ("client=%00", "client"),
    ],
)
def test_what_is_not_counted_together_is_refused(query: str, names: str) -> None:
    """With the parameter that is in the way."""
    answer = staff().get(f"stats?{query}")
    assert (answer.status, list(answer.document)) == (400, [names])


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    "path", ["stats?repository=open", "leaderboards/most-pulled", "leaderboards/trending?window=24h"]
)
def test_who_has_an_answer_is_not_sent_it_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until something is counted; somebody else's answer is another one."""
    minute = timezone.now()
    monkeypatch.setattr("notifications.analytics.unchanged.timezone.now", lambda: minute)
    client = Client()
    first = client.get(f"/api/v1/{path}")
    assert first.status_code == 200
    again = client.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    assert root.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]}).status_code == 200
    Consumer.objects.update_or_create(name="counters", defaults={"position": 7})
    later = client.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]})
    assert later.status_code == 200
    assert later.json()["counted_to"] == 7


@pytest.mark.usefixtures("used")
def test_who_may_not_see_it_any_more_is_not_told_that_nothing_changed() -> None:
    """404 comes first."""
    client = Client()
    first = client.get("/api/v1/stats?repository=open")
    set_public(Repository.objects.get(name="open").pk, is_public=False)
    assert client.get("/api/v1/stats?repository=open", headers={"If-None-Match": first["ETag"]}).status_code == 404


@pytest.mark.usefixtures("used")
def test_each_number_leads_to_its_rules_and_its_events() -> None:
    """Both are there."""
    ada = staff()
    found = ada.get("stats?repository=open").document
    assert found["rule"] == 1
    assert Client().get(found["rules"].removeprefix("http://testserver")).status_code == 200
    assert "repository=open" in found["events"]
    assert ada.get(found["events"]).status == 200
    (line, *_) = ada.get("leaderboards/most-pulled").document["results"]
    assert ada.get(line["events"]).status == 200


@pytest.mark.usefixtures("used")
def test_boards_say_what_they_have() -> None:
    """Another window is refused with those there are."""
    ada = staff()
    found = {board["board"]: board for board in ada.get("leaderboards").document["results"]}
    assert {"most-pulled", "trending", "top-actors", "fastest-to-running"} <= set(found)
    for name, board in found.items():
        answer = ada.get(f"leaderboards/{name}?window={board['windows'][0]}")
        assert (answer.status, answer.document["unit"]) == (200, board["unit"])
    assert "24h" in str(ada.get("leaderboards/trending?window=all").document["window"])
