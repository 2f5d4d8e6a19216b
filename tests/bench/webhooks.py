"""Lines that send webhooks: how fast a queue empties behind a receiver that was down, and how soon a push arrives."""

import time
from collections.abc import Callable, Mapping
from multiprocessing.synchronize import Event
from typing import Any

from tests.bench.crowd import Crowd
from tests.bench.measure import Measured, Plan, percentile, say
from tests.bench.sides import Side, open_wire, two_sides
from tests.pushing import expect, push_image, push_manifest
from tests.servers.images import MANIFEST_TYPE, make_image
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.servers.webhook_counter import WebhookCounter

_CLIENTS = 4
_REPOSITORY = "library/announced"
_LIMIT_SECONDS = 60.0
_PUSHES_A_SECOND = 200


def single(plan: Plan) -> Measured:
    """Events a second, one an envelope, from the moment the receiver recovers until the last one has arrived."""
    return _release(plan, {})


def batched(plan: Plan) -> Measured:
    """The same with batches of 100 on the hub's side; the peer knows none."""
    return _release(plan, {"face": "batch", "batchsize": 100})


def latency(plan: Plan) -> Measured:
    """From the sending of a manifest until its event has arrived, at 200 a second, in milliseconds: the median."""
    count = plan.sized(_PUSHES_A_SECOND * 5, _PUSHES_A_SECOND // 10) // _CLIENTS
    measured = Measured()
    with WebhookCounter(new_folder("counter")) as counter, two_sides(plan, webhook_url=counter.url) as sides:
        for side in sides:
            with open_wire(side) as wire:
                push_image(wire, _REPOSITORY, "latest", make_image("announced"))
        for number in plan.each_round():
            for side in sides:
                took = _time_pushes(side, counter, number, count)
                side.samples(measured).append(percentile(took, 0.5))
                for name, share in (("p50", 0.5), ("p99", 0.99)):
                    measured.note_worst(f"{side.name}, worst {name} of a round in ms", percentile(took, share))
                say(f"  {side.name}: p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms")
    return measured


def _time_pushes(side: Side, counter: WebhookCounter, number: int, count: int) -> list[float]:
    side.settle()
    counter.answer_with(200)
    sent = Crowd(_CLIENTS, _steady_pusher(side, number, count)).finish().values
    if not wait_until(lambda: len(counter.arrivals()) == len(sent), _LIMIT_SECONDS, 0.1):
        raise AssertionError(f"of {len(sent)} pushes to {side.name} {len(counter.arrivals())} were announced")
    arrivals = counter.arrivals()
    tags = [_tag(number, client, each) for client in range(_CLIENTS) for each in range(count)]
    return [(arrivals[tag] - at) * 1000 for tag, at in zip(tags, sent, strict=True)]


def _tag(number: int, client: int, each: int) -> str:
    return f"timed-{number}-{client}-{each}"


def _steady_pusher(side: Side, number: int, count: int) -> Callable[[int, Event], list[float]]:
    """Pushes of one manifest under ever new tags, evenly in time; when each was sent."""

    def work(client: int, stop: Event) -> list[float]:
        manifest = make_image("announced").manifest
        pause_seconds = _CLIENTS / _PUSHES_A_SECOND
        sent = []
        with open_wire(side) as wire:
            due = time.monotonic() + client * pause_seconds / _CLIENTS
            for each in range(count):
                time.sleep(max(0.0, due - time.monotonic()))
                due += pause_seconds
                sent.append(time.time())
                push_manifest(wire, _REPOSITORY, _tag(number, client, each), manifest)
        return sent

    return work


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
