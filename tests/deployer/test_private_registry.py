"""Rolling out from a registry that wants a password: the deployer has one of its own, with nothing to configure."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import bcrypt
import pytest

from tests.pushing import push_image
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import Hub
from tests.servers.images import make_program
from tests.servers.run import new_folder
from tests.servers.server import wait_until

pytestmark = pytest.mark.peer("dockerd", "busybox")


@pytest.fixture
def hub(databases: Databases, tmp_path: Path) -> Iterator[Hub]:
    file = tmp_path / "htpasswd"
    file.write_text(f"ada:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
    with ExitStack() as stack:
        engine = stack.enter_context(DockerEngine(new_folder("docker")))
        auth = {"htpasswd": {"realm": "hub", "path": str(file)}}
        config = {"auth": auth, "hub": {"deployer": {"engine": engine.url}}}
        yield stack.enter_context(Hub(new_folder("hub"), databases, config=config))


def test_the_deployer_pulls_with_its_own_account(hub: Hub) -> None:
    """Its name stands in the log beside the pull, which is not counted."""
    settings = {"networks": ["none"], "running_seconds": 0.2}
    rules = [{"repository": "shop/job", "actor": "ada"}]
    hub.act("POST", "/api/v1/services", {"name": "job", "debounce_seconds": 0, "settings": settings, "rules": rules})
    with hub.wire(Authorization=f"Basic {base64.b64encode(b'ada:secret').decode()}") as wire:
        push_image(wire, "shop/job", "latest", make_program("true", files={"/job": "once"}))

    def is_finished() -> bool:
        found = hub.get("/api/v1/deployments")["results"]
        return bool(found) and found[0]["finished_at"] is not None

    assert wait_until(is_finished, 30, 0.2)
    hub.wait_until_drained()
    [deployment] = hub.get("/api/v1/deployments")["results"]
    assert deployment["actor"] == "ada"
    assert deployment["reason"].startswith(("exited with code 0", "did not stay up")), deployment
    actors = {each["actor"].get("name") for each in hub.events(repository="shop/job") if each["action"] == "pull"}
    assert actors == {"registryhub-deployer"}
    assert hub.repository("shop/job")["pulls"] == 0
