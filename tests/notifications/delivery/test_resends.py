"""Parts of the log that are sent once more: which events, in which order, and exactly how far."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery import api
from notifications.delivery.endpoints import consumers
from notifications.delivery.faces import Document
from notifications.delivery.filtering.filters import build_filter
from notifications.delivery.models import Attempt, DeadLetter, Endpoint, Resend
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending import ranges, resend
from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.resend import SideQueue
from notifications.log.models import Consumer, Event, LogTail
from registryhub.config.hub import Events
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

urlpatterns = [path("api/v1/", include(api.urlpatterns))]


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "LOOK_SECONDS", 0.01)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


def make(name: str, position: int) -> Endpoint:
    start_at(position, name)
    return Endpoint.objects.create(name=name, url="https://ci.example.org/hook")


def post(client: Client, path: str, *, status: int = 201, **data: Any) -> Any:
    response = client.post(f"/api/v1/{path}", data, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


class Receiver:
    """What a side queue posts to; it refuses so many requests, or dies."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.refuses = 0
        self.dies_at: int | None = None

    def post(self, documents: list[Document]) -> Outcome:
        numbers = ids(documents)
        if self.dies_at in numbers:
            raise KeyboardInterrupt
        if self.refuses:
            self.refuses -= 1
            return Outcome(0.1, 503, "answered 503 Service Unavailable")
        self.got += numbers
        return Outcome(0.1, 200)

    def queue(self, row: Endpoint, **ignored: Any) -> SideQueue:
        """That of a sender that has just started."""
        wanted = build_filter(ignored.get("actions", ()), (), Events())
        return SideQueue(row, self.post, Pace(0.0), wanted=wanted)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def work_off(queue: SideQueue) -> Resend:
    """Until nothing is left to do; the only one there is."""

    def is_over() -> bool:
        queue.work_off()
        return not Resend.objects.filter(state="queued").exists()

    assert wait_until(is_over, 10)
    return Resend.objects.get()


def test_a_part_of_the_log_is_sent_again_beside_the_queue(settings: Settings, staff: Client) -> None:
    """In order, only what the endpoint gets; its position stays, and what comes new is not held up."""
    log_events(3)
    log_events(2, action="pull")
    log_events(3)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, ignore={"actions": ["pull"]}))
        consumers()
        start_at(8, "a")
        asked = post(staff, f"endpoints/{endpoint('a').pk}/resend", first=2, last=7)
        assert (asked["state"], asked["asked_by"], asked["position"]) == ("queued", "ada", 1)
        with relay() as running:
            assert wait_until(lambda: Resend.objects.get().state == "done", 10)
            log_events(1)
            running.announce()
            running.wait_for("a", 9)
    assert ids(receiver.events()) == [2, 3, 6, 7, 9]
    done = staff.get(f"/api/v1/resends/{asked['id']}").json()
    assert (done["sent"], done["skipped"], done["lost"], done["position"]) == (4, 2, 0, 7)
    assert set(Attempt.objects.values_list("occasion", "events")) == {("resend", 4), ("queue", 1)}
    assert endpoint("a").successes == 1


def test_a_sender_that_dies_leaves_behind_exactly_how_far_it_was(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one goes on with the first event of what was not written down; nothing is left out."""
    monkeypatch.setattr(resend, "LETTERS", 10)
    log_events(50)
    row = make("a", 50)
    ranges.ask_range(row, first=1, last=50, by="ada")
    receiver.dies_at = 25
    with pytest.raises(KeyboardInterrupt):
        receiver.queue(row).work_off()
    assert receiver.got == list(range(1, 25))
    left = Resend.objects.get()
    assert (left.position, left.sent, left.state) == (20, 20, "queued")
    receiver.dies_at, receiver.got = None, []
    done = work_off(receiver.queue(row))
    assert receiver.got == list(range(21, 51))
    assert (done.position, done.sent, done.state) == (50, 50, "done")


def test_two_senders_count_nothing_twice(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has lost its place while it sent finds that another has gone on, and leaves it be."""
    monkeypatch.setattr(resend, "LETTERS", 10)
    log_events(10)
    row = make("a", 10)
    ranges.ask_range(row, first=1, last=10, by="ada")
    other = Receiver()

    def overtaken(documents: list[Document]) -> Outcome:
        if ids(documents) == [10]:
            work_off(other.queue(row))
        return receiver.post(documents)

    SideQueue(row, overtaken, Pace(0.0), wanted=build_filter((), (), Events())).work_off()
    done = Resend.objects.get()
    assert (done.sent, done.position, done.state) == (10, 10, "done")
    assert other.got == receiver.got == list(range(1, 11))


def test_what_has_left_the_log_is_counted(receiver: Receiver) -> None:
    """The rest is sent."""
    log_events(9)
    Event.objects.filter(seq__lte=4).delete()
    LogTail.objects.create(pk=1, position=4)
    row = make("a", 9)
    ranges.ask_range(row, first=2, last=7, by="ada")
    done = work_off(receiver.queue(row))
    assert receiver.got == [5, 6, 7]
    assert (done.lost, done.sent, done.position) == (3, 3, 7)


def test_a_part_that_is_gone_is_over_at_once(receiver: Receiver) -> None:
    """With nothing but its count."""
    log_events(9)
    Event.objects.filter(seq__lte=8).delete()
    LogTail.objects.create(pk=1, position=8)
    row = make("a", 9)
    ranges.ask_range(row, first=2, last=7, by="ada")
    done = work_off(receiver.queue(row))
    assert (done.lost, done.sent, done.position, done.state) == (6, 0, 7, "done")


def failed(of: Endpoint, seq: int) -> None:
    Attempt.objects.create(
        endpoint=of, is_success=False, first_seq=seq, seq=seq, attempted_at=timezone.now(), duration_seconds=0.1
    )


def test_only_what_failed_is_sent_again(receiver: Receiver) -> None:
    """What failed once, and what was given up: that letter has found its way then."""
    log_events(9)
    row = make("a", 9)
    for seq in (3, 3, 6, 9):
        failed(row, seq)
    DeadLetter.objects.create(endpoint=row, reason="age", seq=5, attempts=1, document="{}")
    ranges.ask_range(row, first=1, last=8, which="failed", by="ada")
    done = work_off(receiver.queue(row))
    assert receiver.got == [3, 5, 6]
    assert (done.sent, done.position) == (3, 8)
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.settled_by) == ("resent", "ada")


def test_another_endpoint_may_get_it(receiver: Receiver) -> None:
    """By its own filter; but a single event is sent whatever that says."""
    log_events(2)
    log_events(1, action="pull")
    one, two = make("a", 3), make("b", 3)
    ranges.ask_range(one, to=two, first=1, last=3, by="ada")
    work_off(receiver.queue(two, actions=("pull",)))
    assert receiver.got == [1, 2]
    Resend.objects.all().delete()
    ranges.ask_range(one, to=two, first=3, last=3, by="ada")
    work_off(receiver.queue(two, actions=("pull",)))
    assert receiver.got == [1, 2, 3]
    receiver.queue(one).work_off()
    assert receiver.got == [1, 2, 3]


def test_what_is_still_to_come_is_not_sent_before_its_turn(staff: Client) -> None:
    """A part ends at the position of the endpoint; beyond it there is nothing to ask for."""
    log_events(9)
    row = make("a", 5)
    assert post(staff, f"endpoints/{row.pk}/resend", first=4, last=9)["last_seq"] == 5
    refusal = post(staff, f"endpoints/{row.pk}/resend", first=6, last=9, status=409)
    assert "still to come" in refusal["detail"]


def test_a_part_may_be_said_by_times(staff: Client) -> None:
    """When events came in: from one time on, and before another."""
    noon = timezone.now() - timedelta(hours=9)
    for hour in range(6):
        log_events(2, received_at=noon + timedelta(hours=hour))
    row = make("a", 12)
    asked = post(
        staff,
        f"endpoints/{row.pk}/resend",
        since=(noon + timedelta(hours=2)).isoformat(),
        until=(noon + timedelta(hours=4)).isoformat(),
    )
    assert (asked["first_seq"], asked["last_seq"]) == (5, 8)
    assert post(staff, f"endpoints/{row.pk}/resend", since=timezone.now().isoformat(), status=409)
    both = post(staff, f"endpoints/{row.pk}/resend", first=1, since=noon.isoformat(), status=400)
    assert "not both" in str(both)


def test_what_is_refused_again_and_again_stops_and_can_go_on(receiver: Receiver, staff: Client) -> None:
    """It stays where it is, with the error; nothing is skipped."""
    log_events(4)
    row = make("a", 4)
    asked = ranges.ask_range(row, first=2, last=4, by="ada")
    receiver.refuses = resend.MOST_FAILURES
    stopped = work_off(receiver.queue(row))
    assert (stopped.state, stopped.position, stopped.failures) == ("stopped", 1, 5)
    assert stopped.error == "answered 503 Service Unavailable"
    assert post(staff, f"resends/{asked.pk}/continue", status=200)["state"] == "queued"
    done = work_off(receiver.queue(row))
    assert (done.state, done.sent, done.failures, receiver.got) == ("done", 3, 0, [2, 3, 4])
    assert Attempt.objects.filter(is_success=False, occasion="resend").count() == 5


def test_a_part_can_be_cancelled(receiver: Receiver, staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the midst of it; what was sent until then is counted."""
    monkeypatch.setattr(resend, "LETTERS", 2)
    log_events(9)
    row = make("a", 9)
    asked = ranges.ask_range(row, first=1, last=9, by="ada")

    def post_and_cancel(documents: list[Document]) -> Outcome:
        if ids(documents) == [3]:
            assert post(staff, f"resends/{asked.pk}/cancel", status=200)["state"] == "cancelled"
        return receiver.post(documents)

    SideQueue(row, post_and_cancel, Pace(0.0), wanted=build_filter((), (), Events())).work_off()
    left = Resend.objects.get()
    assert (left.state, left.sent, receiver.got) == ("cancelled", 4, [1, 2, 3, 4])
    assert staff.get("/api/v1/resends", {"state": "cancelled", "endpoint": "a"}).json()["results"][0]["sent"] == 4


def test_an_attempt_is_sent_again(settings: Settings, staff: Client) -> None:
    """What was in its request, to its endpoint or another."""
    log_events(3)
    with WebhookReceiver() as one, WebhookReceiver() as two:
        configure(settings, configured("a", one.url), configured("b", two.url))
        start_at(0, "a")
        start_at(3, "b")
        with relay() as running:
            running.wait_for("a", 3)
            attempt = Attempt.objects.get()
            post(staff, f"attempts/{attempt.pk}/resend", to="b")
            assert wait_until(lambda: Resend.objects.get().state == "done", 10)
    assert ids(two.events()) == [1, 2, 3]
    assert Consumer.objects.get(name="endpoint:b").position == 3


def test_only_staff_may_ask(client: Client) -> None:
    """Nobody else sees that there is something."""
    for path_ in ("attempts/1/resend", "endpoints/1/resend", "endpoints/1/test", "resends/1/cancel"):
        assert client.post(f"/api/v1/{path_}").status_code in (401, 403)
