"""The doctor at a real hub: well, with receivers that are down, with programs that hang; and no traces of it."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from notifications.log.doctor.probes import REPOSITORY
from tests.processes.debug.scraping import families, value
from tests.pushing import push_image
from tests.servers.databases import Databases
from tests.servers.hub import CommandError, Hub
from tests.servers.images import make_image
from tests.servers.ports import free_port
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver
from tests.wire import Wire

NAMES = ("well", "down", "gone")


def config(receiver: WebhookReceiver, debug_port: int) -> dict[str, Any]:
    """Three endpoints of one receiver, and the debug server."""
    endpoints = [
        {"name": name, "url": receiver.url_of(f"/{name}"), "threshold": 1, "backoff": "1m", "timeout": "5s"}
        for name in NAMES
    ]
    debug = {"addr": f"127.0.0.1:{debug_port}", "prometheus": {"enabled": True}}
    return {"notifications": {"endpoints": endpoints}, "http": {"debug": debug}, "hub": {"events": {"compat": True}}}


def examine(hub: Hub) -> Mapping[str, Mapping[str, Any]]:
    """What the command finds, by hop; its exit status says whether something is stopped."""
    try:
        text, is_well = hub.command("doctor", "--json", "--patience", "1s"), True
    except CommandError as error:
        text, is_well = str(error).partition("\n")[2], False
    document, _ = json.JSONDecoder().raw_decode(text)
    found = {finding["name"]: finding for finding in document["findings"]}
    assert document["well"] is is_well is not any(each["state"] == "stopped" for each in found.values())
    return found


def stopped(found: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {name for name, finding in found.items() if finding["state"] == "stopped"}


@contextmanager
def hanging(hub: Hub, *roles: str) -> Iterator[None]:
    """The programs stand still: they hold what they hold, and do nothing."""
    processes = [process for role in roles for process in hub.processes(role)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    yield
    for process in processes:
        os.kill(process.pid, signal.SIGCONT)


def test_the_doctor_names_what_is_stopped_and_leaves_no_trace(tmp_path: Path, databases: Databases) -> None:
    """One hub, from health to programs that hang."""
    port = free_port()
    with WebhookReceiver() as receiver, Hub(tmp_path, databases, config=config(receiver, port)) as hub:

        def metrics() -> dict[str, Any]:
            with closing(Wire(port)) as wire:
                return families(wire.request("GET", "/metrics").body.decode())

        assert wait_until(lambda: stopped(examine(hub)) == set(), 30)

        receiver.answer_with(503, "/down")
        receiver.answer_with(410, "/gone")
        with closing(hub.wire()) as wire:
            push_image(wire, "shop/web", "v1", make_image("doctor"))

        def is_ill() -> bool:
            state, pending = "registry_notifications_endpoint_state", "registry_notifications_pending_total"
            told = metrics()
            is_disabled = value(told, state, endpoint="gone", state="disabled")
            is_failing = value(told, state, endpoint="down", state="backing_off")
            return bool(is_failing and is_disabled and not value(told, pending, endpoint="well"))

        assert wait_until(is_ill, 20, 0.2)
        found = examine(hub)
        assert stopped(found) == {"endpoint down", "endpoint gone"}
        assert "503" in found["endpoint down"]["words"]
        assert "410 Gone" in found["endpoint gone"]["words"]

        with hanging(hub, "relay", "worker"):
            found = examine(hub)
        assert {"sequencer", "worker"} <= stopped(found)
        assert found["counters"]["state"] == "skipped"
        assert wait_until(lambda: is_worked_off(hub), 20, 0.2)
        expect_no_trace(hub, receiver)


def is_worked_off(hub: Hub) -> bool:
    """Whether all but the endpoints that cannot be reached have dealt with every event."""
    status = hub.log_status()
    behind = {consumer["name"] for consumer in status["consumers"] if consumer["lag"]}
    return not status["intake"] and not status["journal"]["bytes"] and behind == {"endpoint:down", "endpoint:gone"}


def expect_no_trace(hub: Hub, receiver: WebhookReceiver) -> None:
    """The probes are in the log, for staff, and nowhere else."""
    assert [row["name"] for row in hub.get("/api/v1/repositories")["results"]] == ["shop/web"]
    assert hub.repository("shop/web")["pulls"] == 0
    assert hub.repository("shop/web")["checks"] == 0
    assert "doctor" not in json.dumps(hub.get("/api/v1/leaderboards/most-pulled", window="all"))
    assert hub.get("/api/v1/deployments")["results"] == []
    probes = [event for event in hub.events() if event["target"]["repository"] == REPOSITORY]
    assert len(probes) >= 3
    assert all(event["action"] == "check" for event in probes)
    sent = [event["target"]["repository"] for request in receiver.requests for event in request.events()]
    assert set(sent) == {"shop/web"}
