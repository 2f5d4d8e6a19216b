"""The walk through the house: an image is pushed, someone is told, someone pulls it, and it is counted.

Real clients, a real docker engine, a real second registry; on SQLite, and on PostgreSQL with Redis.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.clients import Docker, skopeo_copy, skopeo_inspect_raw
from tests.servers.databases import Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.docker_registry import DockerRegistry, endpoint
from tests.servers.hub import Hub
from tests.servers.images import PLATFORMS, make_image, make_index, write_build_folder, write_layout
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def hub(new_databases: Callable[[], Databases], receiver: WebhookReceiver) -> Iterator[Hub]:
    config = {"notifications": {"endpoints": [endpoint("story", receiver.url, headers={"X-Story": "once"})]}}
    with Hub(new_folder("hub"), new_databases(), config=config) as hub:
        yield hub


@pytest.mark.peer("dockerd", "docker", "busybox")
def test_docker_pushes_and_pulls_an_image_of_several_layers(
    hub: Hub, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    """docker build, push, pull and run: the webhook tells of the push, the counters of both."""
    image = f"{hub.host}/story/by-docker:1.0"
    with DockerEngine(new_folder("docker")) as engine:
        docker = Docker(engine)
        docker.build(write_build_folder(tmp_path / "build", "the story begins"), image)
        docker.push(image)
        pushed = receiver.wait_for_event(is_event("push", "story/by-docker", "1.0"))
        assert_counts(hub, "story/by-docker", pushes=1, pulls=0)

        docker.remove_image(image)
        docker.pull(image)
        assert docker.run(image) == "the story begins"
        assert docker.inspect(image)["RepoDigests"] == [f"{hub.host}/story/by-docker@{pushed['target']['digest']}"]
    receiver.wait_for_event(lambda event: is_event("pull", "story/by-docker")(event) and is_manifest(event))
    assert_counts(hub, "story/by-docker", pushes=1, pulls=1)


@pytest.mark.peer("skopeo")
def test_skopeo_copies_an_image_in_and_out(hub: Hub, receiver: WebhookReceiver, tmp_path: Path) -> None:
    """What comes out is what went in, and each end of the copy is announced."""
    made = make_image("a single image", layers=4)
    image = f"docker://{hub.host}/story/single:v1"
    skopeo_copy(write_layout(tmp_path / "in", made), image)
    assert skopeo_inspect_raw(image) == made.manifest.content
    skopeo_copy(image, f"dir:{tmp_path / 'out'}")
    for blob in made.blobs:
        assert (tmp_path / "out" / blob.digest.removeprefix("sha256:")).read_bytes() == blob.content
    pushed = receiver.wait_for_event(is_event("push", "story/single", "v1"))
    assert pushed["target"]["digest"] == made.manifest.digest
    assert pushed["target"]["size"] == len(made.manifest.content)
    assert receiver.requests[0].headers["x-story"] == "once"
    for blob in made.blobs:
        receiver.wait_for_event(
            lambda event, blob=blob: (  # type: ignore[misc]
                is_event("pull", "story/single")(event) and event["target"]["digest"] == blob.digest
            )
        )
    assert_counts(hub, "story/single", pushes=1, pulls=2)


@pytest.mark.peer("skopeo")
def test_skopeo_copies_an_image_for_several_platforms(hub: Hub, receiver: WebhookReceiver, tmp_path: Path) -> None:
    """An index and all its images, byte by byte; the tag stands on the index alone."""
    made = make_index("several platforms")
    image = f"docker://{hub.host}/story/platforms:latest"
    skopeo_copy(write_layout(tmp_path / "in", made), image, all_platforms=True)
    assert skopeo_inspect_raw(image) == made.index.content
    skopeo_copy(image, f"oci:{tmp_path / 'out'}", all_platforms=True)
    for child in made.images:
        path = tmp_path / "out" / "blobs" / "sha256" / child.manifest.digest.removeprefix("sha256:")
        assert path.read_bytes() == child.manifest.content
    pushed = receiver.wait_for_event(is_event("push", "story/platforms", "latest"))
    assert pushed["target"]["digest"] == made.index.digest
    assert_counts(hub, "story/platforms", pushes=1 + len(PLATFORMS))
    tags = hub.get("/api/v1/tags", repository="story/platforms")["results"]
    assert [tag["name"] for tag in tags] == ["latest"]


@pytest.mark.peer("docker-registry", "skopeo")
def test_another_registry_reports_here(hub: Hub, receiver: WebhookReceiver, tmp_path: Path) -> None:
    """A stock docker-registry posts its events with a token: they count under its own source, and are not sent on."""
    token = hub.create_source("stock")
    webhook = endpoint("hub", f"{hub.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"})
    with DockerRegistry(new_folder("stock"), endpoints=[webhook]) as stock:
        image = f"docker://{stock.host}/story/elsewhere:1"
        skopeo_copy(write_layout(tmp_path / "in", make_image("elsewhere")), image)
        skopeo_copy(image, f"dir:{tmp_path / 'out'}")
        assert wait_until(lambda: stock.pending_events() == 0, 20), stock.log_tail()
    assert_counts(hub, "story/elsewhere", source="stock", pushes=1, pulls=1)
    assert hub.repository("story/elsewhere")["pulls"] == 0
    assert not [event for event in receiver.events() if event["target"]["repository"] == "story/elsewhere"]
    sources = {event["source"] for event in hub.events(repository="story/elsewhere", source="stock")}
    assert sources == {"stock"}


def is_event(action: str, repository: str, tag: str | None = None) -> Callable[[dict[str, Any]], bool]:
    """Whether an event is of that kind; with `tag`, of that tag."""
    return lambda event: (
        event["action"] == action
        and event["target"]["repository"] == repository
        and tag in (None, event["target"].get("tag"))
    )


def is_manifest(event: dict[str, Any]) -> bool:
    return bool(event["target"]["mediaType"] != "application/octet-stream")


def assert_counts(hub: Hub, repository: str, source: str | None = None, **numbers: int) -> None:
    """The counters reach the numbers within a moment, and not more."""

    def counted() -> dict[str, int]:
        found = hub.repository(repository, source)
        return {name: found[name] for name in numbers}

    wait_until(lambda: counted() == numbers, 10, 0.1)
    hub.wait_until_drained()
    assert counted() == numbers, hub.log_status()
