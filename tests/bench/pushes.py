"""Lines that push small images: how many a second, and how long one takes while others pull or a backlog waits."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from typing import Any

from tests.bench.crowd import Crowd
from tests.bench.measure import Measured, Plan, percentile, say
from tests.bench.sides import Side, open_wire, start_hub, two_sides
from tests.bench.wrk import finish_wrk, start_wrk
from tests.pushing import expect, push_image
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, make_image
from tests.servers.server import wait_until
from tests.wire import Wire

_CLIENTS = 8
_QUIET_CLIENTS = 2
_ENVELOPE_EVENTS = 10_000
_BACKLOG_LIMIT_SECONDS = 90.0


def small_images(plan: Plan) -> Measured:
    """Images a second from 8 clients: config, layer and manifest each, 7 requests, no blob pushed twice."""
    count = plan.sized(40, 2)
    measured = Measured()
    with two_sides(plan) as sides:
        for number in plan.each_round():
            for side in sides:
                side.settle()
                outcome = Crowd(_CLIENTS, _pusher(side, number, count)).finish()
                rate = _CLIENTS * count / outcome.seconds
                say(f"  {side.name}: {rate:,.0f} images a second")
                side.samples(measured).append(rate)
    return measured


def under_pull_load(plan: Plan) -> Measured:
    """p99 of one image's push in milliseconds while 16 connections pull as fast as they can, beside p99 at rest."""
    seconds = plan.seconds(6)
    measured = Measured()
    with start_hub(plan) as hub:
        with hub.wire() as wire:
            push_image(wire, "library/bench", "latest", make_image("pulled"))
        for number in plan.each_round():
            hub.wait_until_drained(120)
            measured.beside.append(_p99(hub.port, f"idle-{number}", _after(seconds)))
            load = start_wrk(hub.port, "/v2/library/bench/manifests/latest", seconds + 1, {})
            measured.hub.append(_p99(hub.port, f"load-{number}", _after(seconds)))
            measured.notes["pulls a second meanwhile"] = finish_wrk(load).rate
            _say_p99(measured)
    return measured


def under_backlog(plan: Plan) -> Measured:
    """p99 of one image's push in milliseconds while the relay works off 200,000 events, beside p99 at rest."""
    envelopes = plan.sized(20, 1)
    measured = Measured()
    with start_hub(plan) as hub:
        token = hub.create_source("bench")
        for number in plan.each_round():
            hub.wait_until_drained(120)
            measured.beside.append(_p99(hub.port, f"idle-{number}", _after(plan.seconds(6))))
            bodies = [_envelope() for _ in range(envelopes)]
            end = int(hub.log_status()["head"]) + envelopes * _ENVELOPE_EVENTS
            with relay_stopped(hub):
                for body in bodies:
                    _post(hub, token, body)
            begun = time.monotonic()
            measured.hub.append(_p99(hub.port, f"backlog-{number}", lambda end=end: _wait_for_drain(hub, end)))  # type: ignore[misc]
            worked_off = time.monotonic() - begun
            measured.notes["events a second worked off"] = envelopes * _ENVELOPE_EVENTS / worked_off
            measured.require("backlog worked off in 90 s", worked_off < _BACKLOG_LIMIT_SECONDS)
            _say_p99(measured)
    return measured


def _pusher(side: Side, number: int, count: int) -> Callable[[int, Event], list[float]]:
    def work(client: int, stop: Event) -> list[float]:
        repository = f"library/small-{client}"
        images = [make_image(f"{number}/{client}/{each}", layers=1) for each in range(count)]
        with open_wire(side) as wire:
            for each, image in enumerate(images):
                push_image(wire, repository, f"round-{number}-{each}", image)
        return []

    return work


def _p99(port: int, tag: str, wait: Callable[[], object]) -> float:
    """Two clients push until `wait` returns; the p99 of what an image took, in milliseconds."""

    def work(client: int, stop: Event) -> list[float]:
        took: list[float] = []
        with Wire(port) as wire:
            while not stop.is_set() or not took:
                image = make_image(f"{tag}/{client}/{len(took)}", layers=1)
                begun = time.monotonic()
                push_image(wire, f"library/timed-{client}", f"{tag}-{len(took)}", image)
                took.append((time.monotonic() - begun) * 1000)
        return took

    crowd = Crowd(_QUIET_CLIENTS, work)
    try:
        wait()
    finally:
        crowd.stop()
    return percentile(crowd.finish().values, 0.99)


def _after(seconds: float) -> Callable[[], object]:
    return lambda: time.sleep(seconds)


@contextmanager
def relay_stopped(hub: Hub) -> Iterator[None]:
    """Nothing is worked off meanwhile; afterwards the relay takes its places in the log again."""
    relays = hub.processes("relay")
    for relay in relays:
        os.kill(relay.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for relay in relays:
            os.kill(relay.pid, signal.SIGCONT)


def _wait_for_drain(hub: Hub, end: int) -> bool:
    """Until the log reaches `end` and is read; the pushes measured meanwhile keep a few events in flight."""
    few = 200

    def is_done() -> bool:
        status = hub.log_status()
        return int(status["head"]) >= end and all(consumer["lag"] <= few for consumer in status["consumers"])

    return wait_until(is_done, _BACKLOG_LIMIT_SECONDS, 0.2)


def _say_p99(measured: Measured) -> None:
    say(f"  push p99: at rest {measured.beside[-1]:.1f} ms, under load {measured.hub[-1]:.1f} ms")


def _post(hub: Hub, token: str, body: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/vnd.docker.distribution.events.v1+json",
    }
    with hub.wire() as wire:
        expect(wire.request("POST", "/api/v1/events", headers=headers, body=body), 202, "POST of an envelope")


def _envelope() -> bytes:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"events": [_event(number, now) for number in range(_ENVELOPE_EVENTS)]}).encode()


def _event(number: int, now: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "timestamp": now,
        "action": "pull",
        "target": {
            "mediaType": MANIFEST_TYPE,
            "size": 1000,
            "digest": f"sha256:{number % 50:064x}",
            "length": 1000,
            "repository": f"team/app-{number % 50}",
            "url": f"http://elsewhere.example/v2/team/app-{number % 50}/manifests/latest",
            "tag": "latest",
        },
        "request": {
            "id": str(uuid.uuid4()),
            "addr": "192.0.2.1:4711",
            "host": "elsewhere.example",
            "method": "GET",
            "useragent": "docker/20.10",
        },
        "actor": {},
        "source": {"addr": "elsewhere:5000", "instanceID": "00000000-0000-4000-8000-000000000001"},
    }
