"""The real clients work here at all, shown against Debian's docker-registry."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.clients import ClientError, Docker, Podman, skopeo_copy, skopeo_inspect_raw
from tests.servers.docker_engine import DockerEngine
from tests.servers.docker_registry import DockerRegistry, endpoint
from tests.servers.images import make_image, make_index, write_build_folder, write_layout
from tests.servers.run import new_folder
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.peer("docker-registry")


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
def registry(receiver: WebhookReceiver) -> Iterator[DockerRegistry]:
    with DockerRegistry(new_folder("registry"), endpoints=[endpoint("here", receiver.url)]) as registry:
        yield registry


@pytest.mark.peer("skopeo")
def test_skopeo_copies_and_the_registry_announces(
    registry: DockerRegistry, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    """An index made by hand goes in and comes out byte by byte, and its push is announced."""
    index = make_index("several platforms")
    image = f"docker://{registry.host}/library/several:1"
    skopeo_copy(write_layout(tmp_path / "layout", index), image, all_platforms=True)
    assert skopeo_inspect_raw(image) == index.index.content
    receiver.wait_for_event(lambda event: event["action"] == "push" and event["target"]["digest"] == index.index.digest)


@pytest.mark.peer("skopeo")
def test_a_failing_client_tells_why(tmp_path: Path) -> None:
    """What the client printed is in the error."""
    with pytest.raises(ClientError, match="connection refused"):
        skopeo_copy(write_layout(tmp_path / "layout", make_image("x")), "docker://127.0.0.1:1/a:1")


@pytest.mark.peer("dockerd", "docker", "busybox")
def test_docker_builds_pushes_pulls_and_runs(registry: DockerRegistry, tmp_path: Path) -> None:
    """An image of several layers, from scratch, through a registry, and still able to run."""
    tag = f"{registry.host}/library/built:1"
    with DockerEngine(new_folder("docker")) as engine:
        docker = Docker(engine)
        docker.build(write_build_folder(tmp_path / "build", "it runs"), tag)
        layers = docker.inspect(tag)["RootFS"]["Layers"]
        assert len(layers) == 4
        docker.push(tag)
        docker.remove_image(tag)
        docker.pull(tag)
        assert docker.inspect(tag)["RootFS"]["Layers"] == layers
        assert docker.run(tag) == "it runs"


@pytest.mark.peer("podman", "skopeo")
def test_podman_pulls_and_pushes(registry: DockerRegistry, tmp_path: Path) -> None:
    """An image made by hand, through podman's own storage."""
    image = f"{registry.host}/library/hand-made:1"
    skopeo_copy(write_layout(tmp_path / "layout", make_image("podman")), f"docker://{image}")
    podman = Podman(new_folder("podman"))
    podman.pull(image)
    podman("tag", image, f"{registry.host}/library/again:2")
    podman.push(f"{registry.host}/library/again:2")
    assert json.loads(skopeo_inspect_raw(f"docker://{registry.host}/library/again:2"))["layers"]
