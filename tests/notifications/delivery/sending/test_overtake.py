"""Several requests under way: from rows of the log to a real receiver."""

import itertools

import pytest
from pytest_django import Settings

from notifications.delivery.definitions.pauses import pause_endpoint, resume_endpoint
from notifications.delivery.models import Attempt, DeadLetter, Endpoint
from notifications.log.consume import LeaseLost
from notifications.log.models import Consumer
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.scripted import Answer
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORIES = ("lib/a", "lib/b", "lib/c")


def log_mixed(count: int) -> None:
    """So many events of each of the repositories, in turn."""
    for _ in range(count):
        for name in REPOSITORIES:
            log_events(1, repository=name)


class Choosy(WebhookReceiver):
    """Answers 503 to the events of one repository."""

    def __init__(self, refused: str) -> None:
        super().__init__()
        self.refused = refused

    def _record(self, method: str, path: str, head: bytes, body: bytes) -> Answer:
        self.answer_with(503 if self.refused and self.refused.encode() in body else 200)
        return super()._record(method, path, head, body)


def by_repository(receiver: WebhookReceiver) -> dict[str, list[int]]:
    """What was accepted, in order of arrival."""
    found: dict[str, list[int]] = {name: [] for name in REPOSITORIES}
    for event in receiver.events():
        found[event["target"]["repository"]] += ids([event])
    return found


@pytest.mark.parametrize("keys", [{}, {"face": "batch", "batchsize": 4}])
def test_repositories_go_side_by_side_each_in_its_order(settings: Settings, keys: dict[str, object]) -> None:
    """Each event once; refusals on the way change nothing about it."""
    log_mixed(30)
    with WebhookReceiver(answers=[200, 500, 200, Answer(reset=True), 429] * 3) as receiver:
        configure(settings, configured("a", receiver.url, order="repository", inflight=3, **keys))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 90)
    found = by_repository(receiver)
    assert [sorted(numbers) for numbers in found.values()] == [list(range(n, 91, 3)) for n in (1, 2, 3)]
    assert all(numbers == sorted(numbers) for numbers in found.values())
    row = endpoint("a")
    refused = sum(request.answered in (429, 500) for request in receiver.requests)
    assert (row.successes, row.failures, row.consecutive_failures) == (90, refused, 0)
    assert sum(Attempt.objects.filter(is_success=True).values_list("events", flat=True)) == 90


def test_many_are_under_way_at_once(settings: Settings) -> None:
    """As many as the endpoint may have, and no more; then the position is at the head."""
    log_events(40)
    with WebhookReceiver(default=Answer(200, delay_seconds=0.05)) as receiver:
        configure(settings, configured("a", receiver.url, order="none", inflight=8))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 40)
    times = sorted(request.at for request in receiver.requests)
    assert sorted(ids(receiver.events())) == list(range(1, 41))
    assert all(later - early >= 0.04 for early, later in zip(times, times[8:], strict=False))
    assert any(later - early < 0.04 for early, later in zip(times, times[7:], strict=False))


def test_a_repository_that_is_refused_waits_alone(settings: Settings) -> None:
    """The others arrive; the position stays before what was not taken, and moves past all of it afterwards."""
    log_mixed(10)
    with Choosy("lib/b") as receiver:
        configure(settings, configured("a", receiver.url, order="repository", inflight=2, backoff="1h"))
        start_at(0, "a")
        with relay() as running:
            assert wait_until(lambda: [len(numbers) for numbers in by_repository(receiver).values()] == [10, 0, 10], 10)
            running.wait_for("a", 1)
    assert running.position("a") == 1
    assert endpoint("a").event_failures == 2
    assert endpoint("a").state == Endpoint.State.DELIVERING


def test_what_was_sent_beyond_the_position_is_sent_again_by_the_next(settings: Settings) -> None:
    """At least once, with ids to tell by; and nothing is left out."""
    log_mixed(5)
    with Choosy("lib/a") as receiver:
        configure(settings, configured("a", receiver.url, order="repository", inflight=2, backoff="1h"))
        start_at(0, "a")
        with relay():
            assert wait_until(lambda: len(receiver.events()) == 10, 10)
        receiver.refused = ""
        Endpoint.objects.update(consecutive_failures=0)
        with relay() as running:
            running.wait_for("a", 15)
    found = by_repository(receiver)
    assert found["lib/a"] == [1, 4, 7, 10, 13]
    assert found["lib/b"] == [2, 5, 8, 11, 14] * 2


def test_an_event_that_is_refused_too_often_becomes_a_dead_letter(settings: Settings) -> None:
    """By its own attempts, whatever happens to the others meanwhile."""
    log_mixed(4)
    with Choosy("lib/c") as receiver:
        configure(settings, configured("a", receiver.url, order="repository", inflight=3, maxattempts=2))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 12)
    assert list(DeadLetter.objects.order_by("seq").values_list("seq", "attempts")) == [(n, 2) for n in (3, 6, 9, 12)]
    assert (endpoint("a").given_up, endpoint("a").successes) == (4, 8)


def test_a_receiver_that_is_gone_disables_the_endpoint_and_the_rest_waits(settings: Settings) -> None:
    """What was under way is written down first."""
    log_events(20)
    with WebhookReceiver(answers=[200, 200, 410], default=Answer(200, delay_seconds=0.1)) as receiver:
        configure(settings, configured("a", receiver.url, order="none", inflight=2))
        start_at(0, "a")
        with relay():
            assert wait_until(lambda: endpoint("a").stopped_at is not None, 10)
        accepted = ids(receiver.events())
        resume_endpoint(endpoint("a"))
        with relay() as running:
            running.wait_for("a", 20)
    assert 2 <= len(accepted) < 20
    assert set(ids(receiver.events())) == set(range(1, 21))


def test_a_pause_leaves_nothing_under_way(settings: Settings) -> None:
    """Each event once, over a pause and a resume."""
    log_events(300)
    with WebhookReceiver(default=Answer(200, delay_seconds=0.002)) as receiver:
        configure(settings, configured("a", receiver.url, order="none", inflight=4))
        start_at(0, "a")
        with relay() as running:
            receiver.wait_for(20)
            pause_endpoint(endpoint("a"))
            assert wait_until(lambda: running.feeds["endpoint:a"].position == len(receiver.events()), 10)
        resume_endpoint(endpoint("a"))
        with relay() as running:
            running.wait_for("a", 300)
    assert sorted(ids(receiver.events())) == list(range(1, 301))


def test_whoever_lost_the_place_moves_nothing(settings: Settings) -> None:
    """Its books are refused as a whole, and its threads end."""
    log_events(9)
    with WebhookReceiver(default=503) as receiver:
        configure(settings, configured("a", receiver.url, order="none", inflight=3))
        start_at(0, "a")
        with pytest.raises(LeaseLost), relay():
            receiver.wait_for(2)
            Consumer.objects.filter(name="endpoint:a").update(epoch=99)
            receiver.answer_with(200)
            receiver.wait_for(len(receiver.requests) + 1)
    assert Consumer.objects.get(name="endpoint:a").position == 0


def test_ignored_events_and_those_that_come_later(settings: Settings) -> None:
    """Nothing is sent of the former, the latter at once; the position follows both."""
    log_events(500, action="pull")
    log_events(1, action="delete")
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, order="none", inflight=2, ignore={"actions": ["pull"]}))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 501)
            for count in itertools.count(502):
                log_events(1)
                running.announce()
                receiver.wait_for(count - 500)
                if count == 504:
                    break
            running.wait_for("a", 504)
    assert ids(receiver.events()) == [501, 502, 503, 504]


def test_a_batch_gathers_for_as_long_as_it_may(settings: Settings) -> None:
    """The first events wait for the third, which fills it."""
    log_events(2)
    with WebhookReceiver() as receiver:
        keys = {"face": "batch", "batchsize": 3, "batchwait": "1h"}
        configure(settings, configured("a", receiver.url, order="repository", inflight=2, **keys))
        start_at(0, "a")
        with relay() as running:
            running.feeds["endpoint:a"].pause(0.2)
            assert receiver.requests == []
            log_events(1)
            running.announce()
            running.wait_for("a", 3)
    assert [ids(request.events()) for request in receiver.requests] == [[1, 2, 3]]
