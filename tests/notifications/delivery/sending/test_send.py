"""Delivery as a whole: from rows of the log to real receivers, past everything that goes wrong."""

import pytest
from pytest_django import Settings

from notifications.delivery.definitions.pauses import pause_endpoint, resume_endpoint
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Attempt, Endpoint
from notifications.log.consume import Head, LeaseLost, open_feed
from notifications.log.models import Consumer
from tests.notifications.delivery.raw_server import RawServer, answer, hang, reset
from tests.notifications.delivery.stage import (
    configure,
    configured,
    endpoint,
    ids,
    log_events,
    relay,
    start_at,
)
from tests.servers.scripted import Answer, redirect
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)


def test_events_arrive_in_order_one_a_request(settings: Settings) -> None:
    """Each once, over as many requests as there are events, and the position ends at the head."""
    log_events(450)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 450)
    assert ids(receiver.events()) == list(range(1, 451))
    assert all(len(request.events()) == 1 for request in receiver.requests)
    assert endpoint("a").successes == 450
    assert endpoint("a").statuses == {"200 OK": 450}


def test_a_new_endpoint_starts_at_the_head(settings: Settings) -> None:
    """What happened before it was configured is not sent."""
    log_events(5)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        with relay() as running:
            log_events(2)
            running.announce()
            running.wait_for("a", 7)
    assert ids(receiver.events()) == [6, 7]


def test_an_event_that_comes_later_is_sent_at_once(settings: Settings) -> None:
    """The sender wakes when the head moves."""
    log_events(1)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        with relay() as running:
            for number in range(2, 5):
                log_events(1)
                running.announce()
                receiver.wait_for(number - 1)
    assert ids(receiver.events()) == [2, 3, 4]


@pytest.mark.parametrize("answers", [[500], [Answer(503), Answer(404)], [Answer(reset=True)], [redirect("/elsewhere")]])
def test_the_same_event_is_tried_until_it_is_accepted(settings: Settings, answers: list[Answer | int]) -> None:
    """Nothing is skipped and nothing overtakes; every failed attempt is a row."""
    log_events(3)
    with WebhookReceiver(answers=answers) as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 3)
    failures = len(answers)
    assert ids([event for request in receiver.requests for event in request.events()]) == [1] * failures + [1, 2, 3]
    assert {request.path for request in receiver.requests} == {"/hook"}
    failed = Attempt.objects.filter(is_success=False)
    assert [(row.first_seq, row.seq, row.event_id) for row in failed] == [(1, 1, "event-1")] * failures
    assert all(row.error for row in failed)
    row = endpoint("a")
    assert row.failures + row.errors == failures
    assert (row.successes, row.consecutive_failures, row.next_try_at) == (3, 0, None)


def test_a_refusal_is_kept_with_the_answer(settings: Settings) -> None:
    """Status, error and the first bytes of the body, without NUL characters that a database refuses."""
    log_events(1)
    with WebhookReceiver(answers=[Answer(422, body=b"no\0 \xff" + b"x" * 10_000)]) as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    [row] = Attempt.objects.filter(is_success=False)
    assert row.status == 422
    assert row.error.startswith("answered 422 Unprocessable")
    assert row.answer == "no\ufffd \ufffd" + "x" * (8192 - 5)


def test_from_the_threshold_on_it_backs_off(settings: Settings) -> None:
    """Two attempts at once, then none before the backoff is over; the state is there to be seen."""
    log_events(1)
    with WebhookReceiver(default=503) as receiver:
        configure(settings, configured("a", receiver.url, threshold=2, backoff="1h"))
        start_at(0, "a")
        with relay():
            receiver.wait_for(2)
            assert wait_until(lambda: endpoint("a").consecutive_failures == 2, 10)
    assert len(receiver.requests) == 2
    row = endpoint("a")
    assert row.state == Endpoint.State.BACKING_OFF
    assert row.next_try_at is not None
    assert row.last_failure_at is not None
    assert (row.next_try_at - row.last_failure_at).total_seconds() == 3600


def test_a_restart_goes_on_with_the_backoff(settings: Settings) -> None:
    """It does not try at once only because the process is new."""
    log_events(1)
    with WebhookReceiver(default=503) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="1h"))
        start_at(0, "a")
        for _ in range(2):
            with relay() as running:
                receiver.wait_for(1)
                assert wait_until(lambda: endpoint("a").consecutive_failures == 1, 10)
                running.feeds["endpoint:a"].wait(0.3)
    assert len(receiver.requests) == 1


def test_a_restart_resumes_at_the_position(settings: Settings) -> None:
    """What was delivered and saved is not sent again; what was not is."""
    log_events(10)
    with WebhookReceiver(answers=[200] * 4, default=503) as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 4)
        receiver.answer_with(200)
        with relay() as running:
            running.wait_for("a", 10)
    assert ids(receiver.events()) == list(range(1, 11))


def test_whoever_lost_the_place_moves_nothing(settings: Settings) -> None:
    """Another process took the place: the first one's books are refused as a whole."""
    log_events(3)
    with WebhookReceiver(answers=[503, 503], default=503) as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with pytest.raises(LeaseLost), relay():
            receiver.wait_for(2)
            Consumer.objects.filter(name="endpoint:a").update(epoch=99)
            receiver.answer_with(200)
            receiver.wait_for(3)
    assert Consumer.objects.get(name="endpoint:a").position == 0
    assert endpoint("a").successes == 0


def test_whoever_cannot_keep_books_sends_nothing(settings: Settings) -> None:
    """Or a database that takes nothing would have the same events sent again at each start."""
    log_events(3)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        [consumer] = consumers()
        feed = open_feed(consumer, holder="me", head=Head())
        assert feed is not None
        Consumer.objects.update(epoch=99)
        with pytest.raises(LeaseLost):
            consumer.run(feed)
    assert receiver.requests == []


def test_a_broken_endpoint_delays_nobody_else(settings: Settings) -> None:
    """One hangs, one resets, one redirects, one answers 500, one is not there; the good one gets everything."""
    log_events(200)
    with RawServer(hang) as hanging, RawServer(reset) as resetting, WebhookReceiver() as receiver:
        receiver.answer_with(redirect(receiver.url_of("/elsewhere")), "/redirects")
        receiver.answer_with(500, "/fails")
        urls = {
            "hangs": hanging.url,
            "resets": resetting.url,
            "redirects": receiver.url_of("/redirects"),
            "fails": receiver.url_of("/fails"),
            "gone": "http://127.0.0.1:1/",
            "good": receiver.url,
        }
        configure(
            settings, *(configured(name, url, timeout="20s" if name == "hangs" else "1s") for name, url in urls.items())
        )
        start_at(0, *urls)
        with relay() as running:
            running.wait_for("good", 200)
            assert wait_until(lambda: all(endpoint(name).consecutive_failures for name in list(urls)[1:5]), 10)
            assert not endpoint("good").consecutive_failures
            positions = {name: running.position(name) for name in urls}
            for feed in running.feeds.values():
                feed.stop()
            hanging.close()
    assert ids(receiver.events("/hook")) == list(range(1, 201))
    assert positions == {"hangs": 0, "resets": 0, "redirects": 0, "fails": 0, "gone": 0, "good": 200}


def test_servers_that_close_after_each_answer_cost_no_failure(settings: Settings) -> None:
    """Keep-alive is tried and given up without a row."""
    log_events(20)
    with RawServer(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", requests=1)) as server:
        configure(settings, configured("a", server.url))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 20)
    assert endpoint("a").successes == 20
    assert not Attempt.objects.filter(is_success=False).exists()


def test_ignored_events_move_the_position_without_a_request(settings: Settings) -> None:
    """By action, by media type, of other sources; checks are not sent at all."""
    log_events(1, action="pull")
    log_events(1, media_type="text/plain")
    log_events(1, source_id=2)
    log_events(1, action="check")
    [wanted] = log_events(1, action="delete")
    log_events(1, action="pull")
    with WebhookReceiver() as receiver:
        ignore = {"actions": ["pull"], "mediatypes": ["text/plain"]}
        configure(settings, configured("a", receiver.url, ignore=ignore))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 6)
    assert ids(receiver.events()) == [wanted.seq]


def test_checks_are_sent_as_pulls_if_the_reference_is_to_be_imitated(settings: Settings) -> None:
    """With method HEAD and their own id."""
    log_events(1, action="check")
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url), compat=True)
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    [event] = receiver.events()
    assert (event["id"], event["action"], event["request"]["method"]) == ("event-1", "pull", "HEAD")


def test_pulls_of_blobs_can_be_left_out(settings: Settings) -> None:
    """Pushes of blobs and pulls of manifests still go out."""
    log_events(1, action="pull", media_type="application/octet-stream")
    log_events(1, action="push", media_type="application/octet-stream")
    log_events(1, action="pull")
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url), blob_pulls=False)
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 3)
    assert ids(receiver.events()) == [2, 3]


def test_a_pause_stops_at_the_next_save_and_a_resume_goes_on(settings: Settings) -> None:
    """Nothing is lost in between, and a paused endpoint is no consumer."""
    log_events(2000)
    with WebhookReceiver(default=Answer(200, delay_seconds=0.002)) as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        with relay() as running:
            receiver.wait_for(1)
            pause_endpoint(endpoint("a"))
            assert wait_until(lambda: running.position("a") == len(receiver.events()), 10)
            sent = len(receiver.events())
        with relay() as running:
            assert running.feeds == {}
        resume_endpoint(endpoint("a"))
        receiver.answer_with(200)
        with relay() as running:
            running.wait_for("a", 2000)
    assert sent < 2000
    assert ids(receiver.events()) == list(range(1, 2001))


def test_no_secret_is_in_a_row_or_a_log_line(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Header values and the URL's password are read from the configuration and go to the receiver only."""
    caplog.set_level("INFO")
    log_events(1)
    with WebhookReceiver(answers=[Answer(500, body=b"your token is s3cret, your user dTpodXNo")]) as receiver:
        url = receiver.url.replace("//", "//u:hush@")
        configure(settings, configured("a", url, headers={"X-Token": ["s3cret"]}))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    assert receiver.requests[0].headers["x-token"] == "s3cret"
    assert receiver.requests[0].headers["authorization"] == "Basic dTpodXNo"
    stored = f"{Endpoint.objects.values()} {Attempt.objects.values()} {caplog.text}"
    assert "endpoint a" in caplog.text
    assert not any(secret in stored for secret in ("s3cret", "hush", "dTpodXNo"))


def test_events_that_come_one_by_one_are_written_down_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the log is no reason to save at once: not before it is due, or nothing more is to come."""
    for name in ("SAVE_SECONDS", "SKIP_SECONDS"):
        monkeypatch.setattr(f"notifications.delivery.sending.ledger.{name}", 3600.0)
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url))
        start_at(0, "a")
        log_events(1)
        with relay() as running:
            for count in range(2, 6):
                log_events(1)
                running.announce()
                receiver.wait_for(count)
            assert running.position("a") == 0
        assert running.position("a") == 5
    assert endpoint("a").successes == 5
