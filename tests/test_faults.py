"""Faults around the whole hub: the database goes away, downloads crawl."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.pushing import push_blob, push_image
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, Blob, make_image
from tests.servers.postgres import PostgresServer
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.wire import Reply, Wire

OUTAGE_SECONDS = 10.0
SLOW_DOWNLOADS = 200
QUICK_SECONDS = 5.0
LARGE = Blob(
    "application/octet-stream", bytes(range(256)) * (32 << 12)
)  # 32 MiB: more than the sockets between the two ends can hold


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(new_folder("postgres"), fsync=True) as server:
        yield server


def pull(wire: Wire, name: str) -> Reply:
    headers = {"User-Agent": name, "Accept": MANIFEST_TYPE}
    return wire.request("GET", "/v2/outage/app/manifests/1", headers=headers)


def pull_for(seconds: float, hub: Hub, prefix: str) -> dict[int, list[str]]:
    """Pull again and again; the names of the requests by the status they were answered with."""
    answered: dict[int, list[str]] = {}
    deadline = time.monotonic() + seconds
    with hub.wire() as wire:
        while time.monotonic() < deadline:
            name = f"{prefix}-{sum(map(len, answered.values()))}"
            answered.setdefault(pull(wire, name).status, []).append(name)
            time.sleep(0.01)
    return answered


@pytest.mark.only_database("postgres")
def test_a_database_that_is_away_for_ten_seconds_costs_nothing_but_patience(
    postgres: PostgresServer, databases: Databases
) -> None:
    """Requests are answered 503 and recover by themselves; pulls that were answered keep their events."""
    with Hub(new_folder("hub"), Databases("postgres", postgres.url, databases.redis_url)) as hub:
        with hub.wire() as wire:
            push_image(wire, "outage/app", "1", make_image("outage"))
        before = pull_for(2, hub, "before")
        postgres.kill()  # the journal still holds what was pulled last
        during = pull_for(OUTAGE_SECONDS, hub, "during")
        postgres.start()
        with hub.wire() as wire:
            assert wait_until(lambda: pull(wire, "after").status == 200, 20), "it did not recover"
        hub.wait_until_drained(60)
        logged = [event["request"]["useragent"] for event in hub.events(action="pull")]

    assert before.keys() == {200}
    assert during.keys() == {503}
    assert sorted(before[200]) == sorted(name for name in logged if name.startswith("before"))
    assert not [name for name in logged if name.startswith("during")]
    assert logged.count("after") == 1


def test_two_hundred_slow_downloads_leave_manifests_and_pushes_quick(databases: Databases) -> None:
    """A download that nobody reads holds a thread, and neither a database connection nor everybody else."""
    with Hub(new_folder("hub"), databases) as hub, ExitStack() as downloads:
        with hub.wire() as wire:
            push_image(wire, "outage/app", "1", make_image("slow"))
            push_blob(wire, "outage/app", LARGE)
        for _ in range(SLOW_DOWNLOADS):
            downloads.enter_context(start_download(hub, f"/v2/outage/app/blobs/{LARGE.digest}"))

        with hub.wire() as wire:
            began = time.monotonic()
            assert pull(wire, "meanwhile").status == 200
            push_image(wire, "outage/app", "2", make_image("meanwhile"))
            assert time.monotonic() - began < QUICK_SECONDS


def start_download(hub: Hub, target: str) -> socket.socket:
    """Ask for a blob and read no more than the head of the answer."""
    connection = socket.create_connection(("127.0.0.1", hub.port), 30)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {hub.host}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection
