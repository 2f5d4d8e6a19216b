"""Lines that pull manifests: by tag, by digest, and with a password."""

import base64
import json
import time
from pathlib import Path

import bcrypt

from tests.bench.measure import Measured, Plan, say
from tests.bench.sides import HubSide, Side, open_wire, start_hub, two_sides
from tests.bench.wrk import CONNECTIONS, Load, run_wrk
from tests.pushing import push_image
from tests.servers.images import Image, make_image
from tests.servers.run import new_folder
from tests.servers.server import wait_until

REPOSITORY, TAG = "library/bench", "latest"
_DRAIN_LIMIT_SECONDS = 60.0


def by_tag(plan: Plan) -> Measured:
    """Answers a second, and how soon afterwards every one of them is counted."""
    return _pull(plan, TAG, make_image("by tag", layers=4))


def steps(plan: Plan) -> Measured:
    """Microseconds of a web process for one pull, and where they go; beside nothing."""
    measured = Measured()
    with start_hub(plan) as hub:
        _prepare([HubSide(hub, {})], make_image("steps", layers=4))
        found: dict[str, float] = json.loads(hub.module("tests.bench.steps", REPOSITORY, TAG))
        measured.hub.append(found["whole"])
        measured.notes |= shares(found)
    return measured


def shares(steps: dict[str, float]) -> dict[str, float]:
    """Percent of the whole that each step takes, and the rest."""
    whole = steps["whole"]
    parts = {f"{name}, % of a pull": 100 * value / whole for name, value in steps.items() if name != "whole"}
    return {**parts, "the rest (request, context, headers), % of a pull": max(100 - sum(parts.values()), 0.0)}


def by_digest(plan: Plan) -> Measured:
    image = make_image("by digest", layers=4)
    return _pull(plan, image.manifest.digest, image)


def with_password(plan: Plan) -> Measured:
    """Basic authentication against bcrypt of cost 10 with each request."""
    htpasswd = new_folder("htpasswd") / "htpasswd"
    _write_htpasswd(htpasswd, "bench", "secret")
    headers = {"Authorization": f"Basic {base64.b64encode(b'bench:secret').decode()}"}
    measured = Measured()
    with two_sides(plan, htpasswd=htpasswd, headers=headers) as sides:
        _prepare(sides, make_image("with password", layers=4))
        for _ in plan.each_round():
            for side in sides:
                load = _load(side, TAG, plan.seconds(4))
                side.samples(measured).append(load.rate)
                side.settle()
    return measured


def _pull(plan: Plan, reference: str, image: Image) -> Measured:
    measured = Measured()
    with two_sides(plan) as sides:
        _prepare(sides, image, reference)
        for _ in plan.each_round():
            for side in sides:
                before = _counted(side)
                load = _load(side, reference, plan.seconds(5))
                side.samples(measured).append(load.rate)
                if isinstance(side, HubSide):
                    _watch_the_log(side, before, load, measured)
    return measured


def _prepare(sides: list[Side], image: Image, reference: str = TAG) -> None:
    """Push the image and warm each side up.

    By the same reference: what was just pulled by its tag and comes by its digest is one pull, and counts once.
    """
    for side in sides:
        with open_wire(side) as wire:
            push_image(wire, REPOSITORY, TAG, image)
        _load(side, reference, 1)
        side.settle()


def _load(side: Side, reference: str, seconds: float) -> Load:
    load = run_wrk(side.port, f"/v2/{REPOSITORY}/manifests/{reference}", seconds, side.headers)
    say(f"  {side.name}: {load.rate:,.0f} a second")
    return load


def _counted(side: Side) -> int:
    return int(side.server.repository(REPOSITORY)["pulls"]) if isinstance(side, HubSide) else 0


def _watch_the_log(side: HubSide, before: int, load: Load, measured: Measured) -> None:
    """How far the counters lag behind when the load ends, and how long until they have every pull."""
    ended = time.monotonic()
    lag_seconds = max(0, load.requests - (_counted(side) - before)) / load.rate
    is_complete = wait_until(lambda: _counted(side) - before >= load.requests, _DRAIN_LIMIT_SECONDS, 0.05)
    drain_seconds = time.monotonic() - ended
    side.settle()
    surplus = _counted(side) - before - load.requests
    measured.note_worst("lag at the end, seconds", lag_seconds)
    measured.note_worst("drained after, seconds", drain_seconds)
    measured.require("lag at the end ≤ 1 s", lag_seconds <= 1.0)
    measured.require("drained within 2 s", is_complete and drain_seconds <= 2.0)
    # What wrk had asked for but not counted when it stopped may be counted by the hub.
    measured.require("every pull counted once", is_complete and surplus <= CONNECTIONS)


def _write_htpasswd(path: Path, username: str, password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode()
    path.write_text(f"{username}:{hashed}\n")
