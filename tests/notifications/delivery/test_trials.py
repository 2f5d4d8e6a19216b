"""Test events: what is sent, to whom, and that they count for nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from notifications.delivery import api, trials
from notifications.delivery.definitions import changes
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Attempt, Endpoint
from notifications.delivery.stats import measure_stats
from notifications.delivery.trials import KINDS
from notifications.signing import make_secret, verify
from registryhub.config.hub import Outgoing
from tests.notifications.delivery.stage import configure, configured, endpoint, log_events
from tests.servers.scripted import Answer
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

urlpatterns = [path("api/v1/", include(api.urlpatterns))]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


def send(client: Client, name: str, *, status: int = 201, **order: str) -> Any:
    response = client.post(f"/api/v1/endpoints/{endpoint(name).pk}/test", order, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_can_be_sent_in_an_empty_hub(settings: Settings, staff: Client, kind: str) -> None:
    """Then it is made up; a receiver can tell it from what has happened."""
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        consumers()
        sent = send(staff, "a", kind=kind)
    [request] = receiver.requests
    [event] = request.events()
    assert event["action"] == ("notice" if kind == "alert" else kind)
    assert request.headers["registryhub-test"] == "1"
    assert (sent["is_test"], sent["is_success"], sent["status"], sent["event_id"]) == (True, True, 200, event["id"])
    assert f"POST /hook HTTP/1.1\r\nHost: 127.0.0.1:{receiver.port}" in sent["request_head"]
    assert sent["request_body"] == request.body.decode()
    assert sent["answer_head"].startswith("HTTP/1.1 200")


def test_the_newest_event_of_its_kind_is_the_sample(settings: Settings, staff: Client) -> None:
    """With an id and a time of its own, so that nobody takes it for the old one."""
    log_events(1, repository="shop/old")
    log_events(1, repository="shop/web")
    log_events(1, action="pull", repository="shop/api")
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        consumers()
        send(staff, "a")
    [event] = receiver.requests[0].events()
    assert event["target"]["repository"] == "shop/web"
    assert event["id"] != "event-2"


def test_a_paused_endpoint_gets_it_and_its_health_stays_as_it_is(settings: Settings, staff: Client) -> None:
    """A refusal is answered as a document, tried no second time and counted nowhere."""
    with WebhookReceiver(default=Answer(503, body=b"not today")) as receiver:
        configure(settings, configured("a", receiver.url))
        consumers()
        Endpoint.objects.update(is_paused=True)
        before = Endpoint.objects.values().get()
        sent = send(staff, "a")
        assert (sent["status"], sent["answer"], sent["error"]) == (503, "not today", "answered 503 Service Unavailable")
    assert len(receiver.requests) == 1
    assert Endpoint.objects.values().get() == before
    assert measure_stats(endpoint("a"), before["created_at"]).requests == 0
    refused = staff.post(f"/api/v1/attempts/{sent['id']}/resend")
    assert refused.status_code == 409


def test_it_is_signed_and_says_what_the_endpoint_says(settings: Settings, staff: Client) -> None:
    """The same face, headers and secrets."""
    secret = make_secret()
    with WebhookReceiver() as receiver:
        configure(
            settings, configured("a", receiver.url, face="standard", secrets=[secret], headers={"X-Key": ["abc"]})
        )
        consumers()
        send(staff, "a")
    [request] = receiver.requests
    verify(secret, request.headers, request.body, now=int(request.headers["webhook-timestamp"]))
    assert request.headers["x-key"] == "abc"


def test_a_typed_endpoint_is_guarded(settings: Settings, staff: Client) -> None:
    """The address is looked at when it is dialled, also for a test."""
    with WebhookReceiver() as receiver:
        configure(settings)
        allow = Outgoing.model_validate({"allow": ["127.0.0.0/8"]})
        open_hub = settings.HUB.hub.model_copy(update={"outgoing": allow})
        closed = settings.HUB
        settings.HUB = settings.HUB.model_copy(update={"hub": open_hub})
        changes.create_endpoint({"name": "t", "url": receiver.url})
        assert send(staff, "t")["is_success"]
        settings.HUB = closed
        refused = send(staff, "t", status=400)
        assert "address within" in str(refused)
    assert len(receiver.requests) == 1


def test_nobody_waits_for_long(settings: Settings, staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the timeout of the endpoint is."""
    monkeypatch.setattr(trials, "LONGEST_SECONDS", 0.2)
    with WebhookReceiver(default=Answer(hang=True)) as receiver:
        configure(settings, configured("a", receiver.url, timeout="10m"))
        consumers()
        assert send(staff, "a")["error"] == "no answer within 0.2 s"


def test_an_endpoint_that_is_gone_from_the_configuration_gets_none(settings: Settings, staff: Client) -> None:
    """And an unknown kind is refused."""
    configure(settings, configured("a", "http://127.0.0.1:9/"))
    consumers()
    assert "kind" in send(staff, "a", kind="explosion", status=400)
    configure(settings)
    consumers()
    assert "no longer in the configuration" in send(staff, "a", status=409)["detail"]
    assert not Attempt.objects.exists()
