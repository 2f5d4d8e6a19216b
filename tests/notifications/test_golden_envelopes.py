"""Whole requests, byte for byte as the files in `golden` have them: what a stock docker-registry sends to the hub, and
what the hub sends to a receiver that shares no code with it, for the same image. Ids, times and hosts are masked.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.pushing import expect, push_image
from tests.servers.databases import Databases
from tests.servers.docker_registry import DockerRegistry, endpoint
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, make_image
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import Received, WebhookReceiver
from tests.wire import Wire

pytestmark = pytest.mark.peer("docker-registry")

GOLDEN = Path(__file__).parent / "golden"
IMAGE = make_image("golden", layers=1, platform=("linux", "amd64"), is_compressed=False)
MASKS = (
    (rb"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", b"ID"),
    (rb'("timestamp": )"[^"]+"', rb'\1"TIME"'),
    (rb'("addr": )"[^"]+"', rb'\1"ADDRESS"'),
    (rb'("host": |http://)?127\.0\.0\.1:\d+', rb"\1HOST"),
    (rb'("host": )"[^"]+"', rb'\1"HOST"'),
)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
def hub(receiver: WebhookReceiver, new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    config = {"notifications": {"endpoints": [endpoint("independent", receiver.url_of("/hub"))]}}
    with Hub(new_folder("golden"), new_databases(), config=config) as hub:
        yield hub


def test_what_is_sent_is_what_the_files_have(hub: Hub, receiver: WebhookReceiver) -> None:
    """By both, from both ends; and what the stock registry sent is in the hub's log as it came."""
    token = hub.create_source("stock")
    webhooks = [
        endpoint("hub", f"{hub.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"}),
        endpoint("independent", receiver.url_of("/stock")),
    ]
    with DockerRegistry(new_folder("stock"), endpoints=webhooks) as stock:
        work(stock.port, receiver, "/stock")
        assert wait_until(lambda: logged_of_stock(hub) == receiver.events("/stock"), 20), logged_of_stock(hub)
    work(hub.port, receiver, "/hub")
    for path in ("/stock", "/hub"):
        assert masked(receiver, path) == (GOLDEN / f"requests{path.replace('/', '-')}.txt").read_bytes()


def logged_of_stock(hub: Hub) -> list[object]:
    return [row["event"] for row in hub.get("/api/v1/events", source="stock")["events"]]


def work(port: int, receiver: WebhookReceiver, path: str) -> None:
    """Push an image, mount its layer elsewhere, pull it and delete it; each once the events before it have arrived."""
    layer, manifest = IMAGE.layers[0].digest, IMAGE.manifest.digest
    with closing(Wire(port)) as wire:
        push_image(wire, "golden/img", "1.0", IMAGE)
        wait_for(receiver, path, 3)
        target = f"/v2/golden/other/blobs/uploads/?mount={layer}&from=golden/img"
        expect(wire.request("POST", target), 201, "mount")
        wait_for(receiver, path, 4)
        accept = {"Accept": MANIFEST_TYPE}
        expect(wire.request("GET", "/v2/golden/img/manifests/1.0", headers=accept), 200, "pull")
        wait_for(receiver, path, 5)
        expect(wire.request("GET", f"/v2/golden/img/blobs/{layer}"), 200, "pull of a layer")
        wait_for(receiver, path, 6)
        expect(wire.request("DELETE", f"/v2/golden/img/manifests/{manifest}"), 202, "delete")
        wait_for(receiver, path, 8)  # the manifest and its tag


def wait_for(receiver: WebhookReceiver, path: str, count: int) -> None:
    assert wait_until(lambda: len(receiver.events(path)) >= count, 20), receiver.events(path)


def masked(receiver: WebhookReceiver, path: str) -> bytes:
    return b"".join(mask(request) for request in receiver.requests if request.path == path)


def mask(request: Received) -> bytes:
    body = request.body
    for pattern, replacement in MASKS:
        body = re.sub(pattern, replacement, body)
    return b"%s\n%s\n\n" % (request.headers["content-type"].encode(), body)
