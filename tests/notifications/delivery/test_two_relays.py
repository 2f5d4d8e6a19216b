"""Two relays share the endpoints; one dies, or is told to stop, and the other goes on with them. Real processes."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notifications.log.leases import LEASE_SECONDS
from notifications.log.models import Consumer
from notifications.log.relay import ROSTER_SECONDS
from tests.notifications.delivery.relays import SendingRelay
from tests.notifications.log.making import intake_pull
from tests.servers.scripted import Answer
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORIES = ("lib/a", "lib/b", "lib/c")
NAMES = ("endpoint:ordered", "endpoint:each")
MARGIN_SECONDS = 3.0
"""For a busy machine."""


def test_the_other_relay_goes_on_with_the_endpoints(tmp_path: Path) -> None:
    """Killed: within the lease. Told to stop: at once. Nothing is lost, and order is kept through both."""
    with WebhookReceiver(default=Answer(200, delay_seconds=0.004)) as receiver:
        endpoints: list[dict[str, Any]] = [
            {"name": "ordered", "url": receiver.url_of("/ordered"), "timeout": "5s"},
            {"name": "each", "url": receiver.url_of("/each"), "timeout": "5s", "order": "repository", "inflight": 3},
        ]
        first, second, third = [SendingRelay(tmp_path, name, endpoints) for name in ("first", "second", "third")]
        first.start()
        assert wait_until(lambda: Consumer.objects.filter(name__in=NAMES).exclude(holder="").count() == 2, 20)
        with second, third:
            log_pushes(0, 300)
            receiver.wait_for(100)
            assert pause_seconds(receiver, first.kill) < LEASE_SECONDS + ROSTER_SECONDS + MARGIN_SECONDS
            worker, other = (second, third) if holder() == second.pid else (third, second)
            log_pushes(300, 900)
            receiver.wait_for(len(receiver.requests) + 200)
            assert pause_seconds(receiver, worker.stop) < LEASE_SECONDS
            assert wait_until(lambda: Consumer.objects.filter(name__in=NAMES, position=900).count() == 2, 30)
            assert holder() == other.pid
    for path in ("/ordered", "/each"):
        found = first_arrivals(receiver, path)
        assert sorted(itertools.chain(*found.values())) == list(range(900))
        assert all(numbers == sorted(numbers) for numbers in found.values())
    ordered = [number(event) for event in receiver.events("/ordered")]
    assert list(dict.fromkeys(ordered)) == list(range(900))
    assert len(receiver.events()) < 1800 + 300  # what the killed one had not written down yet


def log_pushes(start: int, end: int) -> None:
    """Pushes to the repositories in turn, as they come in."""
    for number in range(start, end):
        intake_pull(f"e{number}", action="push", repository=REPOSITORIES[number % 3])


def holder() -> int:
    """The process that has the place of the ordered endpoint."""
    return int(Consumer.objects.get(name="endpoint:ordered").holder.split(":")[1] or 0)


def number(event: dict[str, Any]) -> int:
    return int(event["id"].removeprefix("e"))


def pause_seconds(receiver: WebhookReceiver, end: Callable[[], object]) -> float:
    """The longest time in which nobody sends to the ordered endpoint, from the end of a relay on."""

    def times() -> list[float]:
        return [request.at for request in tuple(receiver.requests) if request.path == "/ordered"]

    before = len(times())
    end()
    assert wait_until(lambda: len(times()) >= before + 100, 30, 0.02)
    return max(later - early for early, later in itertools.pairwise(times()[before - 1 :]))


def first_arrivals(receiver: WebhookReceiver, path: str) -> dict[str, list[int]]:
    """By repository, the numbers as they came, without repetitions."""
    found: dict[str, dict[int, None]] = {name: {} for name in REPOSITORIES}
    for event in receiver.events(path):
        found[event["target"]["repository"]].setdefault(number(event))
    return {name: list(numbers) for name, numbers in found.items()}
