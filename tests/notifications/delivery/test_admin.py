"""The admin's pages."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from notifications.delivery.models import Attempt, Endpoint
from tests.notifications.delivery.stage import log_events, start_at

pytestmark = pytest.mark.django_db

LIST = "/admin/delivery/endpoint/"


@pytest.fixture
def endpoint() -> Endpoint:
    log_events(5)
    start_at(2, "a")
    return Endpoint.objects.create(name="a", url="http://me:***@a.example/")


def test_the_list_shows_state_and_backlog(admin_client: Client, endpoint: Endpoint) -> None:
    """In words and numbers."""
    page = admin_client.get(LIST).content.decode()
    assert "waiting for a relay" in page
    assert "http://me:***@a.example/" in page
    Endpoint.objects.update(is_paused=True)
    assert "paused" in admin_client.get(LIST).content.decode()


def test_endpoints_are_paused_and_resumed_from_the_list(admin_client: Client, endpoint: Endpoint) -> None:
    """By two actions."""
    choice = {"_selected_action": [endpoint.pk], "index": 0}
    admin_client.post(LIST, {"action": "pause", **choice})
    assert Endpoint.objects.get().is_paused
    admin_client.post(LIST, {"action": "resume", **choice})
    assert not Endpoint.objects.get().is_paused


def test_an_endpoint_that_was_made_here_is_changed_on_its_page(admin_client: Client, endpoint: Endpoint) -> None:
    """There is one form; nothing sealed is shown."""
    assert "those of config.yml" in admin_client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    Endpoint.objects.update(origin="ui", sealed="not-to-be-seen")
    page = admin_client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    assert f"/webhooks/-/{endpoint.pk}/change" in page
    assert "not-to-be-seen" not in page
    assert "a.example" in admin_client.get(LIST, {"q": "a.example", "origin": "ui"}).content.decode()


def test_whoever_may_only_look_cannot_pause(client: Client, endpoint: Endpoint) -> None:
    """Pausing needs the right to change endpoints."""
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_endpoint"))
    client.force_login(user)
    assert client.get(LIST).status_code == 200
    client.post(LIST, {"action": "pause", "_selected_action": [endpoint.pk], "index": 0})
    assert not Endpoint.objects.get().is_paused


def test_rows_are_there_to_be_read(admin_client: Client, endpoint: Endpoint) -> None:
    """Nobody adds, changes or deletes them by hand."""
    attempt = Attempt.objects.create(
        endpoint=endpoint,
        is_success=False,
        first_seq=3,
        seq=3,
        event_id="event-3",
        attempted_at=timezone.now(),
        duration_seconds=0.25,
        status=500,
        error="answered 500",
    )
    assert "answered 500" in admin_client.get("/admin/delivery/attempt/").content.decode()
    for path in (f"{LIST}{endpoint.pk}/change/", f"/admin/delivery/attempt/{attempt.pk}/change/"):
        assert admin_client.get(path).status_code == 200
        assert admin_client.post(path, {"name": "b"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{endpoint.pk}/delete/").status_code == 403
