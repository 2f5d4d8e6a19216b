"""The line that sends webhooks: a queue behind a receiver that is down, and how fast it empties once it is up."""

import time
from collections.abc import Callable, Mapping
from multiprocessing.synchronize import Event
from typing import Any

from tests.bench.crowd import Crowd
from tests.bench.measure import Measured, Plan, say
from tests.bench.sides import Side, open_wire, two_sides
from tests.pushing import expect, push_image
from tests.servers.images import MANIFEST_TYPE, make_image
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.servers.webhook_counter import WebhookCounter

_CLIENTS = 4
_REPOSITORY = "library/announced"
_LIMIT_SECONDS = 60.0


def single(plan: Plan) -> Measured:
    """Events a second, one an envelope, from the moment the receiver recovers until the last one has arrived."""
    return _release(plan, {})


def batched(plan: Plan) -> Measured:
    """The same with batches of 100 on the hub's side; the peer knows none."""
    return _release(plan, {"face": "batch", "batchsize": 100})


def _release(plan: Plan, hub_webhook: Mapping[str, Any]) -> Measured:
    count = plan.sized(5_000, 50)
    measured = Measured()
    with (
        WebhookCounter(new_folder("counter")) as counter,
        two_sides(plan, webhook_url=counter.url, hub_webhook=hub_webhook) as sides,
    ):
        for side in sides:
            with open_wire(side) as wire:
                push_image(wire, _REPOSITORY, "latest", make_image("announced"))
        for _ in plan.each_round():
            for side in sides:
                _measure(side, counter, count, measured)
    return measured


def _measure(side: Side, counter: WebhookCounter, count: int, measured: Measured) -> None:
    side.settle()
    counter.answer_with(503)
    Crowd(_CLIENTS, _puller(side, count)).finish()
    total = _CLIENTS * count
    if not wait_until(lambda: side.queued_events() >= total, _LIMIT_SECONDS, 0.1):
        raise AssertionError(f"{side.name} queued {side.queued_events()} events, not {total}")
    released = time.time()
    counter.answer_with(200)
    is_complete = wait_until(lambda: counter.counts().accepted_events >= total, _LIMIT_SECONDS, 0.1)
    counts = counter.counts()
    rate = counts.accepted_events / (counts.last_accepted_at - released)
    say(f"  {side.name}: {rate:,.0f} events a second")
    side.samples(measured).append(rate)
    measured.require(f"{side.name} sent every event", is_complete)


def _puller(side: Side, count: int) -> Callable[[int, Event], list[float]]:
    def work(client: int, stop: Event) -> list[float]:
        target, headers = f"/v2/{_REPOSITORY}/manifests/latest", {"Accept": MANIFEST_TYPE}
        with open_wire(side) as wire:
            for _ in range(count):
                expect(wire.request("GET", target, headers=headers), 200, "pull")
        return []

    return work
