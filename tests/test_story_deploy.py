"""The walk goes on: a push rolls the container that runs the image, and a broken one is rolled back.

A real docker engine and client, a real Celery worker: on Redis with PostgreSQL, on the embedded broker with SQLite.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.pushing import push_image
from tests.servers.clients import Docker
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, make_program, write_program_folder
from tests.servers.ports import free_port
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.webui.browser import DESK, Look, a_browser, a_look

pytestmark = pytest.mark.peer("dockerd", "docker", "busybox")

IMAGE = "story/shop"
MANIFEST_TYPES = f"{MANIFEST_TYPE}, application/vnd.docker.distribution.manifest.v2+json"


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


@pytest.fixture(scope="module")
def port(hub: Hub) -> int:
    """Where the shop answers; the service that runs it is defined here."""
    port = free_port()
    hub.act(
        "POST",
        "/api/v1/services",
        {
            "name": "shop",
            "debounce_seconds": 0.3,
            "environment": {"PORT": str(port)},
            "settings": {"networks": ["host"], "running_seconds": 1, "stop_seconds": 1},
            "rules": [{"repository": IMAGE, "tag_pattern": "v*"}],
        },
    )
    return port


def publish(hub: Hub, engine: DockerEngine, folder: Path, version: int, *, is_broken: bool = False) -> None:
    docker = Docker(engine)
    image = f"{hub.host}/{IMAGE}:v{version}"
    script = "echo cannot open the database; exit 3" if is_broken else "exec /bin/busybox httpd -f -p $PORT -h /www"
    docker.build(write_program_folder(folder / f"v{version}", script, {"www/version": f"version {version}"}), image)
    docker.push(image)


def answer(port: int) -> str:
    """What the shop says, "" while it does not answer."""
    try:
        with closing(urlopen(f"http://127.0.0.1:{port}/version", timeout=5)) as reply:
            return str(reply.read().decode())
    except OSError:
        return ""


def deployment(hub: Hub, tag: str) -> dict[str, Any]:
    """The latest of the tag, finished."""

    def found() -> dict[str, Any]:
        results = hub.get("/api/v1/deployments", service="shop", tag=tag)["results"]
        return results[0] if results else {"state": "none"}

    assert wait_until(lambda: found()["state"] not in ("none", "waiting", "rolling", "undoing"), 60, 0.2), found()
    detail: dict[str, Any] = hub.get(f"/api/v1/deployments/{found()['id']}")
    return detail


def test_a_push_starts_and_then_replaces_the_container(
    hub: Hub, engine: DockerEngine, port: int, tmp_path: Path
) -> None:
    """Version 1 answers after the first push, version 2 after the second; our own pulls are not counted."""
    for version in (1, 2):
        publish(hub, engine, tmp_path, version)
        done = deployment(hub, f"v{version}")
        assert done["state"] == "succeeded", done
        assert answer(port) == f"version {version}"
    assert [step["state"] for step in done["steps"]] == ["done"] * 8
    hub.wait_until_drained()
    pulled = [event for event in hub.events(repository=IMAGE) if event["action"] == "pull"]
    assert any("RegistryHub-Rollout/" in event["request"]["useragent"] for event in pulled)
    counted = hub.repository(IMAGE)
    assert (counted["pushes"], counted["pulls"]) == (2, 0)


def test_a_broken_push_is_rolled_back(hub: Hub, engine: DockerEngine, port: int, tmp_path: Path) -> None:
    """Version 2 answers still, and the reason can be read with the end of the container's log."""
    publish(hub, engine, tmp_path, 3, is_broken=True)
    done = deployment(hub, "v3")
    assert done["state"] == "rolled_back"
    assert done["reason"]
    assert "cannot open the database" in done["logs"]
    assert answer(port) == "version 2"
    assert Docker(engine)("ps", "--all", "--format", "{{.Names}}").split() == ["shop"]


@pytest.mark.peer("chromium")
def test_a_person_sees_it_in_the_browser(hub: Hub, engine: DockerEngine, port: int) -> None:
    """The dashboard shows pull, push and deployment; the deployment's page says why version 3 is not there.

    Going back is a button.
    """
    with hub.wire(Accept=MANIFEST_TYPES) as wire:
        assert wire.request("GET", f"/v2/{IMAGE}/manifests/v2").status == 200
    hub.wait_until_drained()
    with a_browser() as browser, a_look(browser, hub, Look("light", DESK), is_staff=True) as page:
        board = page.get_by_role("region", name="Most pulled")
        expect(board.get_by_role("row").filter(has_text=IMAGE)).to_contain_text("1")
        pushes = page.get_by_role("region", name="Latest pushes")
        expect(pushes.get_by_role("row").filter(has_text=IMAGE).first).to_contain_text("v3")
        deployments = page.get_by_role("region", name="Deployments")
        expect(deployments.get_by_role("row").filter(has_text="shop").first).to_contain_text("v3 rolled back")
        deployments.get_by_role("link", name="shop").first.click()
        main = page.get_by_role("main")
        expect(main).to_contain_text("rolled back")
        expect(main).to_contain_text("cannot open the database")
        page.goto(f"/deployments/{deployment(hub, 'v2')['id']}")
        page.get_by_role("button", name="Roll back").click()
        expect(page.get_by_role("main")).to_contain_text("v1")
    assert deployment(hub, "v1")["cause"] == "roll_back"
    assert answer(port) == "version 1"


def test_people_go_back_and_try_again(hub: Hub, engine: DockerEngine, port: int) -> None:
    """A roll-back is a deployment of what ran before; a retry is one of the same image."""
    second = deployment(hub, "v2")
    hub.act("POST", f"/api/v1/deployments/{second['id']}/retry")
    assert deployment(hub, "v2")["state"] == "succeeded"
    made = hub.act("POST", f"/api/v1/deployments/{second['id']}/rollback")
    assert (made["cause"], made["tag"], made["requested_by"]) == ("roll_back", "v1", "admin")
    assert deployment(hub, "v1")["state"] == "succeeded"
    assert answer(port) == "version 1"
    hub.act("POST", f"/api/v1/deployments/{second['id']}/retry")
    assert deployment(hub, "v2")["state"] == "succeeded"
    assert answer(port) == "version 2"


def test_an_engine_that_is_gone_is_waited_for(hub: Hub, engine: DockerEngine, port: int) -> None:
    """The push is answered, the deployment says what it waits for, and goes on when the engine is back."""
    engine.stop()
    script = "exec /bin/busybox httpd -f -p $PORT -h /www"
    with hub.wire() as wire:
        push_image(wire, IMAGE, "v4", make_program("sh", "-c", script, files={"/www/version": "version 4"}))

    def waits_for() -> str:
        found = hub.get("/api/v1/deployments", service="shop", tag="v4")["results"]
        return found[0]["waits_for"] if found else ""

    assert wait_until(lambda: "the Docker engine does not answer" in waits_for(), 30, 0.2), waits_for()
    engine.start()
    assert wait_until(lambda: answer(port) == "version 4", 60, 0.2), waits_for()
    assert deployment(hub, "v4")["state"] == "succeeded"
