"""Pages of deliveries, dead letters and messages, and what is done there."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Attempt, DeadLetter, Endpoint, Notice, Resend
from notifications.delivery.sending.notices import Notices
from tests.notifications.delivery.stage import configure, configured
from tests.notifications.log.making import sequence_all
from tests.servers.webhook_receiver import WebhookReceiver
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db

HEAD = "POST /hook HTTP/1.1\r\nHost: ci.example.org\r\nAuthorization: ***\r\nX-Hub-Signature-256: sha256=ab\r\n"


def attempt(endpoint: Endpoint, **fields: Any) -> Attempt:
    kept = {
        "request_head": f"{HEAD}Content-Length: 9",
        "request_body": '{"a": "b"}',
        "answer_head": "HTTP/1.1 503 Service Unavailable\r\nX-Reason: lunch",
        "answer": "back at one",
        "look_up_seconds": 0.004,
        "connect_seconds": 0.011,
        "first_byte_seconds": 0.2,
    }
    return scene.fail(endpoint, **{**kept, **fields})


def letter(endpoint: Endpoint, seq: int = 1, **fields: Any) -> DeadLetter:
    values = {"action": "push", "repository": "shop/web", "reason": "attempts", "attempts": 3, "error": "answered 422"}
    return DeadLetter.objects.create(endpoint=endpoint, seq=seq, **{**values, **fields})


def test_a_delivery_is_shown_as_it_went_over_the_wire() -> None:
    """Heads, bodies, how long each part took, other attempts, and commands to copy; no secret."""
    scene.log("shop/web")
    endpoint = scene.make_endpoint("ci")
    other = attempt(endpoint)
    shown = attempt(endpoint)
    page = scene.read(scene.superuser(), f"/webhooks/-/deliveries/{shown.pk}")
    for text in ("X-Reason: lunch", "back at one", "4 ms", "11 ms", "200 ms", "Authorization: ***", "openssl dgst"):
        assert text in page
    assert "${AUTHORIZATION}" in page
    assert 'href="/events/1"' in page
    assert f'href="/webhooks/-/deliveries/{other.pk}"' in page
    assert f'href="/webhooks/-/deliveries/{shown.pk}"' in scene.read(scene.staff(), "/webhooks/ci")


def test_what_receivers_answer_is_text_here_too() -> None:
    """And what is in events and names."""
    scene.log("shop/web")
    endpoint = scene.make_endpoint(scene.NASTY)
    Notice.objects.create(endpoint=endpoint, kind="alert", text=scene.NASTY)
    fields = dict.fromkeys(("request_body", "answer_head", "answer", "error"), scene.NASTY)
    shown = attempt(endpoint, **fields, request_head=HEAD + scene.NASTY)
    letter(endpoint, error=scene.NASTY, repository=scene.NASTY)
    root = scene.superuser()
    for path in (f"/webhooks/-/deliveries/{shown.pk}", "/webhooks/-/dead-letters", "/webhooks/-/messages", "/"):
        assert scene.NASTY not in scene.read(root, path)


def test_a_delivery_is_sent_again_to_itself_or_another() -> None:
    """The page says so; whoever may not has no button."""
    scene.log("shop/web", count=3)
    one, two = scene.make_endpoint("ci", position=3), scene.make_endpoint("chat", position=3)
    path = f"/webhooks/-/deliveries/{attempt(one, seq=2).pk}"
    staff = scene.staff("change_endpoint")
    assert "ci gets it again" in staff.post(f"{path}/resend", follow=True).content.decode()
    staff.post(f"{path}/resend", {"to": two.pk})
    asked = Resend.objects.order_by("id").values_list("first_seq", "last_seq", "send_to__name", "asked_by")
    assert list(asked) == [(2, 2, "ci", "ada"), (2, 2, "chat", "ada")]
    looker = Client()
    looker.force_login(User.objects.create_user("eve", is_staff=True))
    assert "Send again" not in scene.read(looker, path)
    assert looker.post(f"{path}/resend").status_code == 403


def test_a_part_of_the_log_is_asked_for_and_cancelled() -> None:
    """By numbers; mistakes are told, and what is to come by itself is not promised."""
    scene.log("shop/web", count=9)
    endpoint = scene.make_endpoint("ci", position=6)
    root = scene.superuser()
    path = f"/webhooks/-/{endpoint.pk}/resend"
    assert "is resumed" not in root.post(path, {"first": 2, "last": 9, "which": "failed"}, follow=True).content.decode()
    [resend] = Resend.objects.all()
    assert (resend.first_seq, resend.last_seq, resend.which, resend.asked_by) == (2, 6, "failed", "root")
    page = scene.read(root, "/webhooks/ci")
    assert "2 – 6" in page
    both = root.post(path, {"first": 2, "since": "2026-11-24T12:00", "which": "all"}, follow=True)
    assert "not both" in both.content.decode()
    assert "still to come" in root.post(path, {"first": 7, "which": "all"}, follow=True).content.decode()
    root.post(f"/webhooks/-/resends/{resend.pk}", {"act": "cancel"})
    assert Resend.objects.get().state == "cancelled"
    Resend.objects.update(state="stopped")
    root.post(f"/webhooks/-/resends/{resend.pk}", {"act": "continue"})
    assert Resend.objects.get().state == "queued"


@pytest.mark.django_db(transaction=True)
def test_a_test_event_leads_to_what_came_of_it(settings: Settings) -> None:
    """Without a relay, at once."""
    root = scene.superuser()
    with WebhookReceiver(default=418) as receiver:
        configure(settings, configured("ci", receiver.url))
        consumers()
        endpoint = Endpoint.objects.get()
        page = root.post(f"/webhooks/-/{endpoint.pk}/test", {"kind": "delete"}, follow=True).content.decode()
        assert "answered 418" in page
        assert receiver.requests[0].events()[0]["action"] == "delete"
        configure(settings)
        consumers()
        gone = root.post(f"/webhooks/-/{endpoint.pk}/test", {"kind": "push"}, follow=True).content.decode()
    assert "no longer in the configuration" in gone
    assert len(receiver.requests) == 1


def test_dead_letters_are_grouped_and_decided() -> None:
    """Those that are ticked, or all of an endpoint and error; discarding needs a reason, which is kept."""
    scene.log("shop/web", count=3)
    ci, chat = scene.make_endpoint("ci"), scene.make_endpoint("chat")
    first, second, third = (letter(ci, seq) for seq in (1, 2, 3))
    other = letter(chat, 1, error="answered 500")
    root = scene.superuser()
    path = "/webhooks/-/dead-letters"
    assert re.search(r">ci</a>.*answered 422.*>3<.*>chat</a>.*answered 500.*>1<", scene.read(root, path), re.DOTALL)
    root.post(path, {"act": "resend", "scope": "ticked", "letter": [first.pk], "to": "chat"})
    assert "write a reason" in root.post(path, {"act": "discard", "scope": "all"}, follow=True).content.decode()
    root.post(path, {"act": "discard", "scope": "all", "endpoint": "ci", "error": "answered 422", "reason": "old"})
    states = dict(DeadLetter.objects.values_list("pk", "state"))
    assert states == {first.pk: "queued", second.pk: "discarded", third.pk: "discarded", other.pk: "waiting"}
    assert DeadLetter.objects.get(pk=first.pk).send_to == chat
    assert DeadLetter.objects.get(pk=second.pk).remark == "old"
    discarded = scene.read(root, path, state="discarded")
    assert ">old<" in discarded


def test_letters_are_decided_by_those_who_may() -> None:
    """Others look."""
    found = letter(scene.make_endpoint("ci"))
    staff = scene.staff()
    assert "Discard" not in scene.read(staff, "/webhooks/-/dead-letters").replace("discarded", "")
    decision = {"act": "discard", "letter": [found.pk], "scope": "ticked", "reason": "x"}
    assert staff.post("/webhooks/-/dead-letters", decision).status_code == 403


def test_operators_see_messages_without_a_webhook() -> None:
    """On their page, beside the endpoints, on the dashboard, and in the log for those who see everything."""
    endpoint = scene.make_endpoint("ci")
    told = Notices(endpoint)
    told.disabled("410 Gone")
    told.save()
    sequence_all()
    root = scene.superuser()
    for path in ("/webhooks/-/messages", "/webhooks", "/"):
        assert "410 Gone" in scene.read(root, path), path
    assert "webhook ci" in scene.read(root, "/events", action="notice")
    assert 'href="/webhooks/ci"' in scene.read(root, "/events/1")
    assert "webhook ci" not in scene.read(scene.visitor(), "/events")


@pytest.mark.parametrize("path", ["/webhooks/-/dead-letters", "/webhooks/-/messages", "/webhooks/-/deliveries/1"])
def test_these_pages_are_for_staff(path: str) -> None:
    """Others are sent to the login, or away."""
    assert scene.visitor().get(path).status_code == 302
    assert scene.member().get(path).status_code == 403


def test_these_pages_cost_few_queries() -> None:
    """Also for those who have all buttons."""
    scene.log("shop/web", count=9)
    staff = scene.staff("change_endpoint", "change_deadletter", "delete_endpoint")
    for number in range(12):
        endpoint = scene.make_endpoint(f"ci-{number}", position=5)
        shown = attempt(endpoint)
        letter(endpoint)
        Notice.objects.create(endpoint=endpoint, kind="alert", text="it is down")
        Resend.objects.create(endpoint=endpoint, send_to=endpoint, first_seq=1, last_seq=5, position=0)
    paths = (f"/webhooks/-/deliveries/{shown.pk}", "/webhooks/-/dead-letters", "/webhooks/-/messages")
    for path in (*paths, "/webhooks/ci-1", "/webhooks", "/"):
        with CaptureQueriesContext(connection) as queries:
            scene.read(staff, path)
        assert len(queries) <= scene.MOST_QUERIES, (path, [query["sql"][:90] for query in queries])
