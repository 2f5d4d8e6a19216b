"""The receiver that misbehaves: what each mode looks like to an endpoint."""

import subprocess
import sys
import urllib.request
from contextlib import closing
from urllib.error import HTTPError

import pytest
from pytest_django import Settings

from notifications.delivery.chaos import MODES, ChaosEndpoint
from notifications.delivery.models import Attempt, DeadLetter, Endpoint
from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from tests.notifications.delivery.stage import configure, configured, endpoint, log_events, relay, start_at
from tests.servers.databases import ROOT
from tests.servers.server import wait_until


def post_twice(url: str, timeout_seconds: float = 5.0) -> list[Outcome]:
    sink = HttpSink(url=url, headers={}, timeout_seconds=timeout_seconds, user_agent="u", environment={})
    with closing(sink):
        return [sink.post(b"{}"), sink.post(b"{}")]


@pytest.mark.parametrize(
    ("mode", "status", "error"),
    [
        ("ok", 200, ""),
        ("500", 500, "answered 500 Internal Server Error"),
        ("429", 429, "answered 429 Too Many Requests"),
        ("410", 410, "answered 410 Gone"),
        ("redirect", 302, "answered 302 Found; redirects are not followed"),
        ("reset", None, "Connection reset by peer"),
        ("half", 500, "answered 500 Internal Server Error"),
        ("huge", 500, "answered 500 Internal Server Error"),
        ("tls", None, "TLS: "),
        ("slow", None, "no answer within 0.2 s"),
    ],
)
def test_each_mode_is_one_kind_of_failure(mode: str, status: int | None, error: str) -> None:
    """The same for every request, over kept connections and new ones."""
    with ChaosEndpoint(mode) as chaos:
        outcomes = post_twice(chaos.url, 0.2 if mode == "slow" else 5.0)
    for outcome in outcomes:
        assert outcome.status == status
        assert outcome.error.startswith(error)
        assert outcome.is_success == (mode == "ok")
        assert outcome.asked_seconds == (5.0 if mode == "429" else 0.0)


def test_every_mode_is_tested() -> None:
    """A new one needs a line above."""
    marks = test_each_mode_is_one_kind_of_failure.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(MODES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["500", "redirect", "reset", "half", "huge", "tls", "slow"])
def test_the_queue_gets_past_every_kind_of_chaos(settings: Settings, mode: str) -> None:
    """Each event becomes a dead letter after its attempts, none is counted as delivered."""
    log_events(2)
    with ChaosEndpoint(mode) as chaos:
        configure(settings, configured("a", chaos.url, maxattempts=2, backoff="10ms", timeout="200ms"))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 2)
    assert list(DeadLetter.objects.order_by("seq").values_list("seq", "attempts")) == [(1, 2), (2, 2)]
    assert Attempt.objects.filter(is_success=False).count() == 4
    assert endpoint("a").successes == 0


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_gets_well_gets_everything(settings: Settings) -> None:
    """The mode may change while it runs."""
    log_events(5)
    with ChaosEndpoint("500") as chaos:
        configure(settings, configured("a", chaos.url))
        start_at(0, "a")
        with relay() as running:
            assert wait_until(lambda: endpoint("a").state == Endpoint.State.BACKING_OFF, 10)
            chaos.mode = "ok"
            running.wait_for("a", 5)
    assert endpoint("a").successes == 5


def test_the_command_listens_until_it_is_stopped() -> None:
    """It says where, and a line for each request."""
    command = [sys.executable, "-u", str(ROOT / "manage.py"), "chaos_endpoint", "--mode", "429"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        with pytest.raises(HTTPError, match="429"):
            urllib.request.urlopen(first.split()[0], data=b"{}", timeout=10)
        assert process.stdout.readline().endswith("request 1 of 2 bytes: 429\n")
        process.terminate()
        assert process.stdout.readline() == "1 requests came\n"
        assert process.wait(20) == 0
