"""How fast what has come in is in the log and counted, beside writing it down and counting it by the shortest way."""

import json
import time

from tests.bench.measure import Measured, Plan, say
from tests.bench.pushes import relay_stopped
from tests.bench.sides import start_hub
from tests.servers.hub import Hub
from tests.servers.server import wait_until

_LIMIT_SECONDS = 1800.0


def rate(plan: Plan) -> Measured:
    """Events a second from the intake to the counters: parsed, deduped, numbered, counted.

    Beside it: COPY of the same rows into a table with the same indexes, and then parsing and counting in plain Python.
    One round: what is there makes the next one slower.
    """
    count = plan.sized(2_000_000, 2_000)
    measured = Measured()
    with start_hub(plan) as hub:
        with relay_stopped(hub):
            hub.module("tests.bench.flood", "store", str(count))
        begun = time.monotonic()
        if not wait_until(lambda: _is_counted(hub, count), _LIMIT_SECONDS, 0.2):
            raise AssertionError(f"{count} events were not counted in {_LIMIT_SECONDS:g} s")
        measured.hub.append(count / (time.monotonic() - begun))
        yardstick = json.loads(hub.module("tests.bench.flood", "yardstick", str(min(count, 200_000))))
        seconds = yardstick["copy"] + yardstick["count"]
        measured.beside.append(min(count, 200_000) / seconds)
        for name in ("copy", "count"):
            measured.notes[f"{name}, µs an event"] = yardstick[name] / min(count, 200_000) * 1e6
        say(f"  {measured.hub[-1]:,.0f} events a second; by the shortest way {measured.beside[-1]:,.0f}")
    return measured


def _is_counted(hub: Hub, count: int) -> bool:
    status = hub.log_status()
    return int(status["head"]) >= count and all(
        consumer["lag"] == 0 for consumer in status["consumers"] if consumer["name"] == "counters"
    )
