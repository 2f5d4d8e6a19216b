"""The REST face, as staff and as others."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from notifications.delivery import api
from notifications.delivery.models import Attempt, Endpoint, Notice
from tests.notifications.delivery.stage import log_events, start_at

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [path("api/v1/", include(api.urlpatterns))]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


@pytest.fixture
def endpoint() -> Endpoint:
    log_events(5)
    start_at(3, "a")
    return Endpoint.objects.create(
        name="a",
        url="http://me:***@a.example/",
        header_names=["X-Token"],
        successes=3,
        errors=1,
        failures=2,
        given_up=4,
        statuses={"200 OK": 3, "500 Internal Server Error": 2},
        last_error="answered 500",
    )


def get(client: Client, path: str, **parameters: str | int) -> Any:
    response = client.get(f"/api/v1/{path}", parameters)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("slash", ["", "/"])
def test_endpoints_are_listed_with_state_and_backlog(staff: Client, endpoint: Endpoint, slash: str) -> None:
    """With and without the trailing slash; names of headers, no values."""
    Endpoint.objects.create(name="B", url="http://b.example/")
    second, first = get(staff, f"endpoints{slash}")["results"]
    assert (second["name"], second["position"], second["pending"]) == ("B", None, 0)
    assert first["state"] == "delivering"
    assert first["description"] == "waiting for a relay to take it up"
    assert (first["position"], first["behind"], first["pending"], first["pending_is_exact"]) == (3, 2, 2, True)
    assert first["oldest_pending_seconds"] >= 0
    assert first["header_names"] == ["X-Token"]
    assert first["counters"] == {
        "events": 9,
        "pending": 2,
        "successes": 3,
        "failures": 2,
        "errors": 1,
        "given_up": 4,
        "statuses": {"200 OK": 3, "500 Internal Server Error": 2},
    }
    assert get(staff, f"endpoints/{endpoint.pk}{slash}")["name"] == "a"


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_endpoint_is_paused_and_resumed(staff: Client, endpoint: Endpoint, slash: str) -> None:
    """The answer is the endpoint; resuming forgets the failures, so that the next attempt is made at once."""
    Endpoint.objects.update(
        consecutive_failures=50, next_try_at=timezone.now(), stopped_at=timezone.now(), stop_reason="gone"
    )
    assert get(staff, f"endpoints/{endpoint.pk}")["description"] == "disabled: gone"
    paused = staff.post(f"/api/v1/endpoints/{endpoint.pk}/pause{slash}")
    assert (paused.status_code, paused.json()["state"], paused.json()["is_paused"]) == (200, "disabled", True)
    assert Endpoint.objects.get().is_paused
    resumed = staff.post(f"/api/v1/endpoints/{endpoint.pk}/resume{slash}").json()
    assert (resumed["state"], resumed["consecutive_failures"], resumed["next_try_at"]) == ("delivering", 0, None)
    assert (resumed["stopped_at"], resumed["stop_reason"]) == (None, "")


def test_notices_are_listed_the_latest_first(staff: Client, endpoint: Endpoint) -> None:
    """Of all endpoints, or of one, or of one kind."""
    for kind in (Notice.Kind.ALERT, Notice.Kind.DISABLED):
        Notice.objects.create(endpoint=endpoint, kind=kind, level=50, text=f"it {kind.label}")
    listed = get(staff, "notices", endpoint="a")["results"]
    assert [notice["text"] for notice in listed] == ["it was disabled", "it fails for long"]
    assert [notice["level"] for notice in get(staff, "notices", kind="alert")["results"]] == [50]
    assert staff.get("/api/v1/notices", {"endpoint": "nobody"}).status_code == 400


def test_what_is_not_there_is_404(staff: Client) -> None:
    """For every route with an id."""
    assert staff.get("/api/v1/endpoints/7").status_code == 404
    assert staff.post("/api/v1/endpoints/7/pause").status_code == 404
    assert staff.post("/api/v1/endpoints/999999999999999999/resume").status_code == 404


def test_only_staff_see_anything(client: Client, endpoint: Endpoint) -> None:
    """Neither the anonymous nor users who are no staff."""
    paths = ("endpoints", f"endpoints/{endpoint.pk}", "attempts", "notices", "dead-letters")
    assert {client.get(f"/api/v1/{path}").status_code for path in paths} <= {401, 403}
    client.force_login(User.objects.create_user("bob"))
    assert {client.get(f"/api/v1/{path}").status_code for path in paths} == {403}
    assert client.post(f"/api/v1/endpoints/{endpoint.pk}/pause").status_code == 403
    assert not Endpoint.objects.get().is_paused


def add_attempts(endpoint: Endpoint, count: int, **values: Any) -> None:
    for number in range(1, count + 1):
        fields = {
            "is_success": False,
            "first_seq": number,
            "seq": number,
            "event_id": f"event-{number}",
            "attempted_at": timezone.now(),
            "duration_seconds": 0.25,
            "status": 500,
            "error": "answered 500",
            "answer": "oh no",
        }
        Attempt.objects.create(endpoint=endpoint, **{**fields, **values})


def test_attempts_are_paged_the_latest_first(staff: Client, endpoint: Endpoint) -> None:
    """By a cursor that does not slip when new ones come in."""
    add_attempts(endpoint, 5)
    page = get(staff, "attempts", endpoint="a", limit=2)
    assert [row["seq"] for row in page["results"]] == [5, 4]
    assert page["results"][0]["endpoint"] == "a"
    assert page["results"][0]["answer"] == "oh no"
    add_attempts(endpoint, 1)
    following = staff.get(page["next"]).json()
    assert [row["seq"] for row in following["results"]] == [3, 2]


def test_attempts_are_filtered(staff: Client, endpoint: Endpoint) -> None:
    """By endpoint (name or id), by outcome, status, event id, and number within a batch."""
    other = Endpoint.objects.create(name="b", url="http://b.example/")
    add_attempts(endpoint, 2)
    add_attempts(other, 1, is_success=True, status=200, first_seq=10, seq=20, events=11)

    def count(**parameters: str | int) -> int:
        return len(get(staff, "attempts/", **parameters)["results"])

    assert count() == 3
    assert count(endpoint="a") == count(endpoint=endpoint.pk) == 2
    assert count(endpoint="b") == count(is_success="true") == count(status=200) == count(seq=15) == 1
    assert count(event_id="event-2") == 1
    assert count(endpoint="a", is_success="true") == 0
    assert staff.get("/api/v1/attempts", {"endpoint": "nobody"}).status_code == 400
    assert staff.get("/api/v1/attempts", {"endpoint": "9" * 30}).status_code == 400
