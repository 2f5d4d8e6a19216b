"""Making, changing, stopping and deleting endpoints over REST."""

import hmac
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from notifications.delivery import api
from notifications.delivery.definitions.typed import MASK
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Endpoint, Notice
from notifications.log.models import Consumer
from tests.notifications.delivery.definitions.test_changes import expire, is_signed_with, position, runs_by
from tests.notifications.delivery.definitions.test_typed import SECRET, allow
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events
from tests.notifications.delivery.turns import relays
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

urlpatterns = [path("api/v1/", include(api.urlpatterns))]

ALL = ("add_endpoint", "change_endpoint", "delete_endpoint")
URL = "https://hooks.example.org/x"


def login(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


@pytest.fixture
def staff(client: Client) -> Client:
    return login(client, *ALL)


def call(client: Client, verb: str, path: str, body: object = None, *, status: int = 200) -> Any:
    response = getattr(client, verb)(f"/api/v1/endpoints{path}", body, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def create(client: Client, **document: Any) -> Any:
    return call(client, "post", "", {"name": "a", "url": URL, **document}, status=201)


def test_an_endpoint_lives_from_its_making_to_its_end(staff: Client, settings: Settings) -> None:
    """Made, told of a push, moved, signed anew with the old secret beside, paused, skipped, deleted."""
    allow(settings, "127.0.0.0/8")
    with WebhookReceiver() as first, WebhookReceiver() as second, relays(settings) as running:
        made = create(staff, url=first.url, face="standard", headers={"X-Token": "hush"})
        one = f"/{made['id']}"
        log_events(1)
        running.until(lambda: position() == 1)
        assert is_signed_with(made["secret"], first.requests[0])
        assert first.requests[0].headers["x-token"] == "hush"

        call(staff, "patch", one, {"url": second.url, "headers": {"X-Token": "new"}})
        running.until(lambda: runs_by(running.rosters["ann"], 1))
        log_events(1)
        running.until(lambda: position() == 2)
        assert len(first.requests) == len(second.requests) == 1

        rotated = call(staff, "post", f"{one}/rotate-secret", {"overlap": "1h"})["secret"]
        running.until(lambda: runs_by(running.rosters["ann"], 2))
        log_events(1)
        running.until(lambda: position() == 3)
        assert [is_signed_with(each, second.requests[-1]) for each in (made["secret"], rotated)] == [True, True]
        expire(endpoint("a"))
        running.until(lambda: runs_by(running.rosters["ann"], 3))

        call(staff, "post", f"{one}/pause")
        running.until(lambda: not running.rosters["ann"]._streams)
        log_events(3)
        assert call(staff, "post", f"{one}/resume", {"waiting": "skip"})["skipped"] == {"events": 3, "is_exact": True}
        log_events(1)
        running.until(lambda: position() == 7)
        assert [is_signed_with(each, second.requests[-1]) for each in (made["secret"], rotated)] == [False, True]
        assert len(second.requests) == 3

        call(staff, "delete", one, status=204)
        running.until(lambda: not running.rosters["ann"]._streams)
    assert not Endpoint.objects.exists()
    assert not Consumer.objects.exists()


def test_the_secret_is_shown_once(staff: Client) -> None:
    """When it is made; afterwards there is only how many there are, and until when."""
    made = create(staff, headers={"X-Token": ["hush"]}, timeout="5s")
    assert made["secret"].startswith("whsec_")
    found = call(staff, "get", f"/{made['id']}")
    assert "secret" not in found
    assert found["secrets"] == [{"expires_at": None}]
    assert found["settings"] == {"url": URL, "headers": {"X-Token": [MASK]}, "timeout": "5s"}
    assert "hush" not in str(found)
    rotated = call(staff, "post", f"/{made['id']}/rotate-secret")
    assert rotated["secret"] not in (made["secret"], "")
    assert [each["expires_at"] is None for each in rotated["secrets"]] == [True, False]
    assert made["secret"] not in str(call(staff, "get", "") | rotated)


def test_a_secret_of_ones_own_may_be_brought(staff: Client, settings: Settings) -> None:
    """Here to sign as GitHub does it, with the envelope of the reference."""
    allow(settings, "127.0.0.0/8")
    with WebhookReceiver() as receiver, relays(settings) as running:
        assert create(staff, url=receiver.url, secrets=[SECRET], start="oldest")["secret"] == SECRET
        log_events(1)
        running.until(lambda: position() == 1)
        [request] = receiver.requests
    signature = hmac.new(SECRET.encode(), request.body, "sha256").hexdigest()
    assert request.headers["x-hub-signature-256"] == f"sha256={signature}"
    assert ids(receiver.events()) == [1]


def test_what_is_read_may_be_sent_back(staff: Client) -> None:
    """And changes nothing but the revision."""
    made = create(staff, url="https://me:hush@hooks.example.org/", headers={"X-Token": "hush"}, threshold=3)
    before = call(staff, "get", f"/{made['id']}")
    after = call(staff, "patch", f"/{made['id']}", before["settings"])
    assert after["revision"] == 1
    assert (after["settings"], after["threshold"]) == (before["settings"], 3)


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"start": "tomorrow"}, "start"),
        ({"threshold": "3"}, "threshold"),
        ({"name": 5}, "name"),
        ({"proxy": "direct"}, "proxy"),
    ],
)
def test_a_mistake_is_answered_beside_its_key(staff: Client, document: dict[str, Any], key: str) -> None:
    """And nothing is made."""
    body = {"name": "a", "url": URL, **document}
    assert call(staff, "post", "", body, status=400).keys() == {key}
    assert not Endpoint.objects.exists()


def test_mistakes_of_a_change_change_nothing(staff: Client) -> None:
    """Names and secrets have their own ways."""
    one = f"/{create(staff)['id']}"
    for body, key in (({"name": "b"}, "name"), ({"secrets": []}, "secrets"), ({"url": None}, "url")):
        assert call(staff, "patch", one, body, status=400).keys() == {key}
    assert "non_field_errors" not in call(staff, "post", f"{one}/resume", {"waiting": "what"}, status=400)
    assert call(staff, "post", f"{one}/rotate-secret", {"overlap": "soon"}, status=400).keys() == {"overlap"}
    assert call(staff, "post", f"{one}/rotate-secret", {"overlap": "9000h"}, status=400).keys() == {"overlap"}
    assert staff.post("/api/v1/endpoints", [], content_type="application/json").status_code == 400
    assert endpoint("a").revision == 0


def test_endpoints_of_the_configuration_refuse(staff: Client, settings: Settings) -> None:
    """With 409, and what to do in config.yml."""
    configure(settings, configured("a", URL))
    consumers()
    one = f"/{endpoint('a').pk}"
    assert call(staff, "get", one)["settings"] is None
    for verb, where, mend in (
        ("patch", one, "change it there"),
        ("delete", one, "take it out there"),
        ("post", f"{one}/rotate-secret", "list two secrets there, the new one first"),
    ):
        assert mend in call(staff, verb, where, {}, status=409)["detail"]


def test_what_cannot_be_read_any_more_is_a_conflict(staff: Client, settings: Settings) -> None:
    """It is shown without settings."""
    one = f"/{create(staff)['id']}"
    sessions = staff.cookies  # signed with the old key too
    settings.SECRET_KEY = "another"
    staff.cookies = sessions
    staff.force_login(User.objects.get())
    assert call(staff, "get", one)["settings"] is None
    assert "enter them again" in call(staff, "post", f"{one}/rotate-secret", status=409)["detail"]


def test_to_define_is_not_for_all_staff(client: Client) -> None:
    """Each verb has its permission, as in the admin; looking, pausing and resuming are for all of them."""
    made = Endpoint.objects.create(name="a", url=URL)
    login(client)
    one = f"/{made.pk}"
    call(client, "post", "", {"name": "b", "url": URL}, status=403)
    call(client, "patch", one, {}, status=403)
    call(client, "delete", one, status=403)
    call(client, "post", f"{one}/rotate-secret", status=403)
    call(client, "get", one)
    call(client, "post", f"{one}/pause")
    call(client, "post", f"{one}/resume", {"waiting": "send"})
    call(client, "post", f"{one}/resume", {"waiting": "skip"}, status=403)
    assert not Notice.objects.exists()


def test_what_is_not_there_is_404(staff: Client) -> None:
    """For every verb."""
    for verb, where in (("patch", "/7"), ("delete", "/7"), ("post", "/7/rotate-secret")):
        call(staff, verb, where, {}, status=404)
