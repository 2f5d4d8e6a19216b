"""Dead letters: how events become them, and what people do with them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery import api
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import DeadLetter, Endpoint
from notifications.delivery.sending import resend
from notifications.delivery.sending.letters import prune_letters
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.scripted import Answer
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

State = DeadLetter.State


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "LOOK_SECONDS", 0.01)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


def letter(of: Endpoint, seq: int = 1, **values: Any) -> DeadLetter:
    """A letter of one of the first events of the log."""
    event = log_events(1)[0] if "document" not in values else None
    fields = {
        "reason": "attempts",
        "seq": seq,
        "event_id": f"event-{seq}",
        "action": "push",
        "repository": "lib/img",
        "document": event.raw if event else "",
        "attempts": 3,
        "status": 500,
        "error": "answered 500 Internal Server Error",
    }
    return DeadLetter.objects.create(endpoint=of, **{**fields, **values})


def post(client: Client, path: str, **data: str) -> Any:
    response = client.post(f"/api/v1/dead-letters{path}", data, content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()


def test_an_event_that_is_refused_too_often_makes_room_for_the_next(settings: Settings) -> None:
    """It becomes a letter with all that is needed to send it later, and the queue moves on in order."""
    log_events(3)
    with WebhookReceiver(answers=[200, 422, 422, 422]) as receiver:
        configure(settings, configured("a", receiver.url, maxretries=3, threshold=9))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 3)
    assert ids([event for request in receiver.requests for event in request.events()]) == [1, 2, 2, 2, 3]
    [found] = DeadLetter.objects.all()
    assert (found.seq, found.event_id, found.repository, found.action) == (2, "event-2", "lib/img", "push")
    assert (found.state, found.reason, found.attempts, found.status) == ("waiting", "attempts", 3, 422)
    assert (endpoint("a").successes, endpoint("a").given_up) == (2, 1)


def test_attempts_are_counted_over_a_restart(settings: Settings) -> None:
    """A hub that is restarted often gives up as soon as one that is not."""
    log_events(1)
    with WebhookReceiver(default=500) as receiver:
        configure(settings, configured("a", receiver.url, maxattempts=2, threshold=1, backoff="1h"))
        start_at(0, "a")
        with relay():
            receiver.wait_for(1)
            assert wait_until(lambda: endpoint("a").event_failures == 1, 10)
        Endpoint.objects.update(last_failure_at=timezone.now() - timedelta(hours=2))
        with relay() as running:
            running.wait_for("a", 1)
    assert len(receiver.requests) == 2
    assert DeadLetter.objects.get().attempts == 2


def test_an_event_that_is_too_old_has_one_attempt_all_the_same(settings: Settings) -> None:
    """So that a receiver that is back gets what waited for it; only what still fails is given up."""
    log_events(3, received_at=timezone.now() - timedelta(hours=3))
    with WebhookReceiver(answers=[200, 500]) as receiver:
        configure(settings, configured("a", receiver.url, maxage="1h"))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 3)
    assert ids(receiver.events()) == [1, 3]
    assert list(DeadLetter.objects.values_list("seq", "reason")) == [(2, "age")]


@pytest.mark.urls(__name__)
def test_a_letter_is_sent_once_more_beside_the_queue(settings: Settings, staff: Client) -> None:
    """To its own endpoint; the position stays where it is, and the letter says who asked for it."""
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        consumers()
        one, two = letter(endpoint("a"), 1), letter(endpoint("a"), 2)
        start_at(2, "a")
        assert post(staff, f"/{two.pk}/resend") == {"count": 1}
        with relay() as running:
            assert wait_until(lambda: DeadLetter.objects.get(pk=two.pk).state == State.RESENT, 10)
            assert running.position("a") == 2
    assert ids(receiver.events()) == [2]
    two.refresh_from_db()
    assert (two.settled_by, two.attempts) == ("ada", 4)
    assert two.settled_at is not None
    assert DeadLetter.objects.get(pk=one.pk).state == State.WAITING


@pytest.mark.urls(__name__)
def test_all_letters_of_a_filter_go_to_another_endpoint_in_order(settings: Settings, staff: Client) -> None:
    """Also more of them than are sent in one go; those of others are left alone."""
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", "http://127.0.0.1:1/"), configured("b", receiver.url))
        consumers()
        for seq in range(1, 46):
            letter(endpoint("a"), seq)
        letter(endpoint("a"), 46, error="the host was not found")
        letter(endpoint("b"), 47)
        start_at(47, "a", "b")
        assert post(staff, "/resend?endpoint=a&error=answered", endpoint="b") == {"count": 45}
        with relay():
            assert wait_until(lambda: DeadLetter.objects.filter(state=State.RESENT).count() == 45, 10)
    assert ids(receiver.events()) == list(range(1, 46))
    assert DeadLetter.objects.filter(state=State.WAITING).count() == 2


def test_a_resend_that_fails_waits_for_a_decision_again(settings: Settings) -> None:
    """It is tried once, and neither the failures nor the wait of the endpoint know of it."""
    with WebhookReceiver(default=Answer(503)) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h"))
        consumers()
        letter(endpoint("a"), state=State.QUEUED, send_to=endpoint("a"))
        start_at(1, "a")
        with relay():
            assert wait_until(lambda: DeadLetter.objects.get().state == State.WAITING, 10)
    found = DeadLetter.objects.get()
    assert (found.attempts, found.status, found.send_to, found.settled_at) == (4, 503, None, None)
    assert endpoint("a").consecutive_failures == 0
    assert len(receiver.requests) == 1


def test_letters_are_sent_while_the_queue_backs_off(settings: Settings) -> None:
    """Somebody who resends by hand knows better than the clock; the waiting event stays first in its queue."""
    log_events(1)
    with WebhookReceiver(answers=[503]) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h"))
        consumers()
        start_at(0, "a")
        with relay():
            receiver.wait_for(1)
            letter(endpoint("a"), 2, state=State.QUEUED, send_to=endpoint("a"))
            assert wait_until(lambda: DeadLetter.objects.get().state == State.RESENT, 10)
    assert ids(receiver.events()) == [2]


@pytest.mark.urls(__name__)
def test_a_letter_is_discarded_for_a_reason_that_is_kept(staff: Client) -> None:
    """One, or all that a filter finds; without a reason nothing happens."""
    owner = Endpoint.objects.create(name="a", url="http://a.example/")
    one, two, three = letter(owner, 1), letter(owner, 2, status=404), letter(owner, 3, status=404, state=State.RESENT)
    assert staff.post(f"/api/v1/dead-letters/{one.pk}/discard", {}).status_code == 400
    assert post(staff, f"/{one.pk}/discard", reason="a test image") == {"count": 1}
    assert post(staff, "/discard/?status=404", reason="never mind") == {"count": 1}
    states = DeadLetter.objects.order_by("id").values_list("id", "state", "remark", "settled_by")
    assert list(states) == [
        (one.pk, State.DISCARDED, "a test image", "ada"),
        (two.pk, State.DISCARDED, "never mind", "ada"),
        (three.pk, State.RESENT, "", ""),
    ]
    assert post(staff, f"/{one.pk}/resend") == {"count": 0}


@pytest.mark.urls(__name__)
def test_letters_are_listed_and_filtered(staff: Client) -> None:
    """The latest first, by endpoint, error, state, reason, status, repository and event."""
    owner = Endpoint.objects.create(name="a", url="http://a.example/")
    other = Endpoint.objects.create(name="b", url="http://b.example/")
    letter(owner, 1)
    latest = letter(other, 2, error="no answer within 1 s", status=None, reason="age", repository="x")

    def seqs(query: str = "") -> list[int]:
        return [row["seq"] for row in staff.get(f"/api/v1/dead-letters{query}").json()["results"]]

    assert seqs() == [2, 1]
    assert seqs("?endpoint=a") == seqs(f"?endpoint={owner.pk}") == seqs("?error=500") == seqs("?status=500") == [1]
    assert seqs("?reason=age") == seqs("?repository=x") == seqs("?event_id=event-2") == seqs("?error=No+Answer") == [2]
    assert seqs("?state=resent") == []
    shown = staff.get(f"/api/v1/dead-letters/{latest.pk}/").json()
    assert (shown["endpoint"], shown["send_to"], shown["document"]) == ("b", None, latest.document)


@pytest.mark.urls(__name__)
def test_a_filter_that_does_not_exist_resends_nothing(staff: Client) -> None:
    """A misspelled one would else mean every letter there is."""
    owner = Endpoint.objects.create(name="a", url="http://a.example/")
    letter(owner)
    for query in ("endpont=a", "endpoint=nobody", "state=lost"):
        assert staff.post(f"/api/v1/dead-letters/resend?{query}").status_code == 400
    assert staff.post("/api/v1/dead-letters/resend", {"endpoint": "nobody"}).status_code == 400
    assert staff.post("/api/v1/dead-letters/7777/resend").status_code == 404
    assert DeadLetter.objects.get().state == State.WAITING


def test_letters_are_forgotten_after_a_while() -> None:
    """Whatever became of them."""
    owner = Endpoint.objects.create(name="a", url="http://a.example/")
    old, young = letter(owner, 1, state=State.DISCARDED), letter(owner, 2)
    DeadLetter.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert prune_letters(86_400.0) == 1
    assert DeadLetter.objects.get() == young


ADMIN = "/admin/delivery/deadletter/"


def test_the_admin_resends_and_discards(admin_client: Client) -> None:
    """By two actions; to discard takes a reason."""
    owner = Endpoint.objects.create(name="a", url="http://a.example/")
    one, two = letter(owner, 1), letter(owner, 2)
    assert "answered 500" in admin_client.get(ADMIN).content.decode()
    admin_client.post(ADMIN, {"action": "resend", "_selected_action": [one.pk], "index": 0})
    admin_client.post(ADMIN, {"action": "discard", "_selected_action": [two.pk], "index": 0, "remark": " "})
    assert list(DeadLetter.objects.order_by("id").values_list("state", flat=True)) == [State.QUEUED, State.WAITING]
    admin_client.post(ADMIN, {"action": "discard", "_selected_action": [two.pk], "index": 0, "remark": "no use"})
    two.refresh_from_db()
    assert (two.state, two.remark, two.settled_by) == (State.DISCARDED, "no use", "admin")


def test_whoever_may_only_look_decides_nothing(client: Client) -> None:
    """It takes the right to change dead letters."""
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    client.force_login(user)
    found = letter(Endpoint.objects.create(name="a", url="http://a.example/"))
    assert client.get(ADMIN).status_code == 200
    client.post(ADMIN, {"action": "resend", "_selected_action": [found.pk], "index": 0})
    assert DeadLetter.objects.get().state == State.WAITING


urlpatterns = [path("api/v1/", include(api.urlpatterns))]
