"""A day of real clients. What is counted was written down by hand, from what was done; not from what was logged."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.pushing import expect, push_image
from tests.servers.clients import Docker, Podman, skopeo_copy, skopeo_inspect
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, make_image, make_index, write_layout, write_program_folder
from tests.servers.run import new_folder
from tests.servers.server import wait_until

pytestmark = pytest.mark.peer("dockerd", "docker", "podman", "skopeo", "busybox")

MANY, ONE, SHOP = "truth/many", "truth/one", "truth/shop"

# repository, what was asked, who asked, with what, for which platform: how often
EXPECTED = {
    # skopeo copy --all brings an image for three platforms: an index and three manifests
    f"{MANY} push unknown skopeo -": 4,
    # docker pull, twice: one pull of the platform's manifest; the second time it only looks whether there is news
    f"{MANY} pull_tag unknown docker -": 1,
    f"{MANY} version_check unknown docker -": 1,
    f"{MANY} fetch unknown docker -": 1,
    f"{MANY} fetch unknown docker linux/amd64": 1,
    f"{MANY} blob unknown docker -": 3,
    # podman pull
    f"{MANY} pull_tag unknown containers-image -": 1,
    f"{MANY} fetch unknown containers-image -": 1,
    f"{MANY} fetch unknown containers-image linux/amd64": 1,
    f"{MANY} blob unknown containers-image -": 3,
    # skopeo inspect reads the manifest and the configuration; skopeo copy --all takes everything along: two pulls
    f"{MANY} pull_tag unknown skopeo -": 2,
    f"{MANY} fetch unknown skopeo -": 2,
    f"{MANY} fetch unknown skopeo linux/amd64": 2,
    f"{MANY} fetch unknown skopeo linux/arm64": 1,
    f"{MANY} fetch unknown skopeo linux/s390x": 1,
    f"{MANY} blob unknown skopeo -": 10,
    # pushed without a user agent, inspected by skopeo, pulled by docker
    f"{ONE} push unknown none -": 1,
    f"{ONE} pull_tag unknown skopeo -": 1,
    f"{ONE} fetch unknown skopeo linux/amd64": 1,
    f"{ONE} blob unknown skopeo -": 1,
    f"{ONE} pull_tag unknown docker -": 1,
    f"{ONE} fetch unknown docker linux/amd64": 1,
    f"{ONE} blob unknown docker -": 4,
    # a crawler that looks three times, and a scanner that fetches the manifest twice
    f"{ONE} version_check unknown other -": 3,
    f"{ONE} pull_tag scanner trivy -": 2,
    f"{ONE} fetch scanner trivy -": 2,
    # docker pushes a version of the shop (two layers), and our own deployer rolls it out
    f"{SHOP} push unknown docker -": 1,
    f"{SHOP} pull_digest deploy docker -": 1,
    f"{SHOP} fetch deploy docker -": 1,
    f"{SHOP} blob deploy docker -": 3,
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with DockerEngine(new_folder("docker")) as engine:
        yield engine
        Docker(engine)("rm", "--force", "shop")


@pytest.fixture(scope="module")
def hub(new_databases: Callable[[], Databases], engine: DockerEngine) -> Iterator[Hub]:
    config = {"hub": {"deployer": {"engine": engine.url, "host_network": True}}}
    with Hub(new_folder("hub"), new_databases(), config=config) as hub:
        yield hub


def test_the_numbers_of_a_day_are_true(hub: Hub, engine: DockerEngine, tmp_path: Path) -> None:
    """Live, and when everything is counted again."""
    push(hub, tmp_path)
    pull(hub, engine, tmp_path)
    crawl_and_scan(hub)
    token = hub.create_source("elsewhere")
    for _ in range(3):  # its answer got lost on the way, so it tries again
        report_from_elsewhere(hub, token)
    roll_out(hub, engine, tmp_path)
    hub.wait_until_drained()

    live = counted(hub)
    assert live["uses"] == EXPECTED | {"truth/far pull_tag unknown docker -": 1, "truth/far fetch unknown docker -": 1}
    assert numbers(hub, MANY) == {"pulls": 4, "checks": 1, "pushes": 4}
    assert numbers(hub, ONE) == {"pulls": 2, "checks": 3, "pushes": 1}
    assert numbers(hub, SHOP) == {"pulls": 0, "checks": 0, "pushes": 1}
    assert numbers(hub, "truth/far", "elsewhere") == {"pulls": 1, "checks": 0, "pushes": 0}
    (tag,) = hub.get("/api/v1/tags", repository=MANY)["results"]
    assert (tag["name"], tag["pulls"], tag["checks"], tag["pushes"]) == ("v1", 4, 1, 1)

    assert "Counted again: 1 days" in hub.command("recount")
    assert counted(hub) == live


def push(hub: Hub, folder: Path) -> None:
    layout = write_layout(folder / "many", make_index("truth"))
    skopeo_copy(layout, f"docker://{hub.host}/{MANY}:v1", all_platforms=True)
    with hub.wire() as wire:
        push_image(wire, ONE, "v1", make_image("one"))


def pull(hub: Hub, engine: DockerEngine, folder: Path) -> None:
    docker = Docker(engine)
    docker.pull(f"{hub.host}/{MANY}:v1")
    let_a_second_pass()
    docker.pull(f"{hub.host}/{MANY}:v1")
    docker.pull(f"{hub.host}/{ONE}:v1")
    Podman(new_folder("podman")).pull(f"{hub.host}/{MANY}:v1")
    skopeo_inspect(f"docker://{hub.host}/{ONE}:v1")
    skopeo_inspect(f"docker://{hub.host}/{MANY}:v1")
    skopeo_copy(f"docker://{hub.host}/{MANY}:v1", f"oci:{folder / 'all'}", all_platforms=True)


def let_a_second_pass() -> None:
    """What belongs together is told by whole seconds: who looks again has fetched in an earlier one."""
    time.sleep(1.01)


def crawl_and_scan(hub: Hub) -> None:
    path = f"/v2/{ONE}/manifests/v1"
    with hub.wire(Accept=MANIFEST_TYPE) as wire:
        for _ in range(3):
            expect(wire.request("HEAD", path, headers={"User-Agent": "acme-crawler/1.0"}), 200, "a look")
        for _ in range(2):
            expect(wire.request("GET", path, headers={"User-Agent": "Trivy/0.55.0"}), 200, "a scan")


def report_from_elsewhere(hub: Hub, token: str) -> None:
    event = {
        "id": "far-1",
        "timestamp": datetime.now(UTC).isoformat(),
        "action": "pull",
        "target": {"repository": "truth/far", "tag": "v1", "digest": f"sha256:{'f' * 64}", "mediaType": MANIFEST_TYPE},
        "request": {"id": "1", "addr": "192.0.2.1:1", "method": "GET", "useragent": "docker/27.3.1"},
    }
    body = json.dumps({"events": [event]}).encode()
    with hub.wire(Authorization=f"Bearer {token}") as wire:
        expect(wire.request("POST", "/api/v1/events", body=body), 202, "a report")


def roll_out(hub: Hub, engine: DockerEngine, folder: Path) -> None:
    settings = {"networks": ["host"], "running_seconds": 1, "stop_seconds": 1}
    rules = [{"repository": SHOP, "tag_pattern": "v*"}]
    service = {"name": "shop", "debounce_seconds": 0.3, "settings": settings, "rules": rules}
    hub.act("POST", "/api/v1/services", service)
    docker, image = Docker(engine), f"{hub.host}/{SHOP}:v1"
    docker.build(write_program_folder(folder / "shop", "exec /bin/busybox sleep 600", {"version": "1"}), image)
    docker.push(image)
    docker.remove_image(image)
    assert wait_until(lambda: states(hub) == ["succeeded"], 60, 0.2), states(hub)


def states(hub: Hub) -> list[str]:
    return [found["state"] for found in hub.get("/api/v1/deployments", service="shop")["results"]]


def counted(hub: Hub) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hub.module("tests.notifications.analytics.tables"))
    return found


def numbers(hub: Hub, repository: str, source: str | None = None) -> dict[str, int]:
    found = hub.repository(repository, source)
    return {name: found[name] for name in ("pulls", "checks", "pushes")}
