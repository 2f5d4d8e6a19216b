"""What the delivery log keeps of requests and answers: enough to see what was wrong, and no secret."""

import logging
import shutil
import subprocess
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery import api
from notifications.delivery.models import Attempt, Endpoint
from notifications.delivery.outgoing.answers import KEPT_BYTES
from notifications.delivery.outgoing.curl import Request, write_check, write_curl
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending import attempts
from notifications.delivery.sending.attempts import Attempts, prune_old_attempts
from notifications.delivery.sending.durations import quantile_seconds, step_of
from notifications.delivery.stats import measure_stats
from notifications.log.consume import read_events
from notifications.signing import make_secret, sign, sign_body
from registryhub.config.notifications import Notifications
from tests.notifications.delivery.outgoing.test_sinks import sink_to
from tests.notifications.delivery.raw_server import Play, RawServer, answer, read_request
from tests.notifications.delivery.stage import configure, configured, endpoint, log_events, relay, start_at
from tests.servers.scripted import Answer
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

urlpatterns = [path("api/v1/", include(api.urlpatterns))]
SECRET = "s3cr3t-value"


def echoing() -> Play:
    """A receiver that refuses, and repeats in head and body what it was sent."""

    def play(connection: Any) -> None:
        body = read_request(connection)[:4000]
        head = b"HTTP/1.1 500 No\r\nX-Token: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        connection.sendall(head % (SECRET.encode(), len(body)) + body)

    return play


def test_a_failure_shows_what_was_sent_and_answered(settings: Settings) -> None:
    """Heads and bodies, how long each part took, and when it is tried again."""
    log_events(1)
    refusal = Answer(422, body=b"no such field", headers=(("X-Reason", "schema"),))
    with WebhookReceiver(answers=[refusal]) as receiver:
        configure(settings, configured("a", receiver.url, threshold=1, backoff="200ms"))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    failed = Attempt.objects.get(is_success=False)
    [first, _] = receiver.requests
    assert failed.request_head.startswith("POST /hook HTTP/1.1\r\nHost: ")
    assert failed.request_head.endswith(f"Content-Length: {len(first.body)}")
    assert failed.request_body == first.body.decode()
    assert "X-Reason: schema" in failed.answer_head
    assert failed.answer == "no such field"
    assert failed.next_try_at is not None
    assert timedelta(0) < failed.next_try_at - failed.attempted_at < timedelta(seconds=5)
    assert failed.look_up_seconds is not None
    assert failed.connect_seconds is not None
    assert failed.tls_seconds is None
    assert 0 < (failed.first_byte_seconds or 0) <= failed.duration_seconds


def test_on_a_kept_connection_nothing_is_opened() -> None:
    """So no time is said for it."""
    with WebhookReceiver() as receiver, closing(sink_to(receiver.url)) as sink:
        first, second = (sink.post(b"{}").exchange for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.opening is not None
    assert second.opening is None
    assert second.first_byte_seconds is not None


@pytest.mark.parametrize(
    ("log", "rows", "shown"), [("all", 3, 3), ("sampled", 1, 1), ("failures", 1, 0)], ids=["all", "sampled", "failures"]
)
def test_of_successes_as_much_is_kept_as_is_asked(log: Any, rows: int, shown: int) -> None:
    """All of them with what was sent, one in a batch, or only how many there were."""
    log_events(3)
    row = Endpoint.objects.create(name="a")
    kept = Attempts(row, log=log)
    with WebhookReceiver() as receiver, closing(sink_to(receiver.url)) as sink:
        for event in read_events(0, 3):
            kept.succeed([event], sink.post(event.raw.encode()))
    kept.save()
    assert Attempt.objects.count() == rows
    assert sum(Attempt.objects.values_list("events", flat=True)) == 3
    assert Attempt.objects.exclude(request_body="").count() == shown


def test_no_secret_is_kept_or_shown_anywhere(
    settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Values of headers, password and token of the URL, the signing secret; even if the receiver repeats them."""
    caplog.set_level(logging.DEBUG)
    log_events(1)
    signing = make_secret()
    with RawServer(echoing()) as server:
        url = server.url.replace("http://", f"http://me:{SECRET}@") + f"?token={SECRET}"
        headers = {"Authorization": [f"Bearer {SECRET}"], "X-Plain": [SECRET]}
        keys = {"headers": headers, "maxattempts": 1, "face": "standard", "secrets": [signing]}
        configure(settings, configured("a", url, **keys))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    client.force_login(User.objects.create_user("ada", is_staff=True))
    attempt = Attempt.objects.get()
    assert "X-Plain: ***" in attempt.request_head
    assert "X-Token: ***" in attempt.answer_head
    paths = ("attempts", f"attempts/{attempt.pk}", "dead-letters", "endpoints", f"endpoints/{endpoint('a').pk}")
    answers = "".join(client.get(f"/api/v1/{path_}").content.decode() for path_ in paths)
    stored = f"{Endpoint.objects.values()} {Attempt.objects.values()} {answers} {caplog.text}"
    assert "webhook-signature: v1," in attempt.request_head
    for secret in (SECRET, signing, signing.removeprefix("whsec_")):
        assert secret not in stored


def test_bodies_are_cut(settings: Settings) -> None:
    """What was sent and what was answered: the first bytes of each, and nothing that a database refuses."""
    row = Endpoint.objects.create(name="a")
    log_events(1)
    with (
        RawServer(answer(b"HTTP/1.1 500 No\r\nContent-Length: 20002\r\n\r\n\0\xff" + b"y" * 20_000)) as server,
        closing(sink_to(server.url)) as sink,
    ):
        outcome = sink.post(b"x" * 20_000)
    kept = Attempts(row)
    kept.fail(read_events(0, 1), outcome)
    kept.save()
    found = Attempt.objects.get()
    assert found.request_body == "x" * KEPT_BYTES
    assert found.answer.startswith("\ufffd\ufffdyyy")
    assert len(found.answer) == KEPT_BYTES


def test_attempts_are_kept_for_so_long(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones go in small steps, those of endpoints that send nothing too."""
    monkeypatch.setattr(attempts, "PRUNE_ROWS", 2)
    row = Endpoint.objects.create(name="a", is_absent=True)
    now = timezone.now()
    for days in (9, 8, 7, 6, 5, 1, 0):
        fields = {"first_seq": 1, "seq": 1, "is_success": False, "duration_seconds": 0.1}
        Attempt.objects.create(endpoint=row, attempted_at=now - timedelta(days=days), **fields)
    assert prune_old_attempts(5.5 * 86_400) == 4
    assert Attempt.objects.count() == 3
    assert prune_old_attempts(5.5 * 86_400) == 0


def test_the_figures_of_a_day(settings: Settings, client: Client) -> None:
    """Requests and events, classes of answers, and what 95 % took at most, to a fifth; resends count, tests do not."""
    row = Endpoint.objects.create(name="a")
    log_events(2)
    one, two = read_events(0, 2)
    kept = Attempts(row)
    for _ in range(90):
        kept.succeed([one, two], Outcome(0.010, 200))
    for _ in range(9):
        kept.succeed([one], Outcome(0.2, 200))
    kept.fail([one], Outcome(0.3, 503, "answered 503"))
    kept.fail([one], Outcome(1.0, None, "no answer within 1 s"))
    kept.save()
    Attempt.objects.filter(status=503).update(occasion="resend")
    client.force_login(User.objects.create_user("ada", is_staff=True))
    found = client.get(f"/api/v1/endpoints/{row.pk}/stats").json()
    assert (found["requests"], found["accepted"], found["events"]) == (101, 99, 189)
    assert found["by_class"] == {"2xx": 99, "5xx": 1, "none": 1}
    assert found["success_percent"] == pytest.approx(98.02, abs=0.01)
    assert 0.2 <= found["p95_seconds"] <= 0.2 * 1.2
    Attempt.objects.update(occasion="test")
    assert client.get(f"/api/v1/endpoints/{row.pk}/stats").json()["success_percent"] is None


def test_figures_say_since_when_they_are(settings: Settings) -> None:
    """Where older rows were removed already; what came before that is left out on both sides."""
    settings.HUB = settings.HUB.model_copy(
        update={"notifications": Notifications.model_validate({"attempts": {"max": 3}})}
    )
    row = Endpoint.objects.create(name="a")
    now = timezone.now()
    for minutes, is_success in ((50, False), (40, True), (30, True), (20, True), (10, False)):
        fields = {"first_seq": 1, "seq": 1, "duration_seconds": 0.1, "status": 200 if is_success else 500}
        moment = now - timedelta(minutes=minutes)
        Attempt.objects.create(endpoint=row, attempted_at=moment, is_success=is_success, **fields)
    found = measure_stats(row, now - timedelta(hours=1))
    assert found.since == now - timedelta(minutes=40)
    assert (found.requests, found.accepted) == (4, 3)


def test_steps_are_a_fifth_wide() -> None:
    """Nothing is said to be faster than it was, nor slower by more than a fifth."""
    for seconds in (0.0002, 0.0013, 0.05, 0.7, 3.0, 29.9):
        said = quantile_seconds({step_of(seconds): 1}, 0.95)
        assert said is not None
        assert seconds <= said <= seconds * 1.19
    assert quantile_seconds({step_of(0.0): 1}, 0.95) == 0.0001
    assert quantile_seconds({}, 0.95) is None


BODY = '{"it\'s": "$(touch /tmp/x) `id` \\\\ \\n"}'


def run(command: str, **environment: str) -> str:
    """What a shell says to it."""
    return subprocess.run(
        ["sh", "-c", command], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_command_to_copy_sends_the_same() -> None:
    """Body and headers byte for byte; where a secret stood there is a variable to fill in."""
    head = "POST /hook HTTP/1.1\r\nHost: elsewhere\r\nX-Odd: it's `id`\r\nAuthorization: ***\r\nContent-Length: 9"
    with WebhookReceiver() as receiver:
        command = write_curl(Request(f"{receiver.url}?a=1&b=$(id)", head, BODY))
        assert "200 OK" in run(command, AUTHORIZATION="Bearer mine")
    [request] = receiver.requests
    assert (request.body.decode(), request.path) == (BODY, "/hook?a=1&b=$(id)")
    assert (request.headers["x-odd"], request.headers["authorization"]) == ("it's `id`", "Bearer mine")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_check_of_a_signature_says_what_was_sent() -> None:
    """For both kinds of signature, with the secret in a variable; what is not signed has none."""
    secret = make_secret()
    for headers in (
        sign_body(secret, BODY.encode()),
        sign(secret, message_id="event-1", timestamp=1_800_000_000, body=BODY.encode()),
    ):
        head = "\r\n".join(["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())])
        check = write_check(Request("", head, BODY))
        signature = list(headers.values())[-1].removeprefix("sha256=").removeprefix("v1,")
        assert run(check, SECRET=secret).strip() == signature
        assert secret not in check
    assert write_check(Request("", "POST / HTTP/1.1", BODY)) == ""
