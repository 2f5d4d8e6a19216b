"""docker: push and pull, and images for several platforms by `docker manifest`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.clients import (
    ClientError,
    Docker,
    skopeo_copy,
    skopeo_delete,
    skopeo_inspect,
    skopeo_list_tags,
)
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import Hub
from tests.servers.images import PLATFORMS, make_image, write_build_folder, write_layout
from tests.servers.run import new_folder

pytestmark = pytest.mark.peer("dockerd", "docker")

REPOSITORY = "clients/docker"


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    with DockerEngine(new_folder("docker")) as engine:
        yield Docker(engine)


@pytest.mark.peer("busybox", "skopeo")
def test_docker_pushes_pulls_runs_and_an_image_is_deleted(hub: Hub, docker: Docker, tmp_path: Path) -> None:
    """Docker itself deletes nothing in a registry, so skopeo does; then it can be pulled no more."""
    image = f"{hub.host}/{REPOSITORY}/built:1"
    docker.build(write_build_folder(tmp_path / "build", "by docker"), image)
    docker.push(image)
    layers = docker.inspect(image)["RootFS"]["Layers"]
    docker.remove_image(image)
    docker.pull(image)
    assert docker.run(image) == "by docker"
    assert docker.inspect(image)["RootFS"]["Layers"] == layers
    assert skopeo_list_tags(f"docker://{hub.host}/{REPOSITORY}/built") == ["1"]

    docker.remove_image(image)
    skopeo_delete(f"docker://{image}")
    with pytest.raises(ClientError, match=r"not found|manifest unknown"):
        docker.pull(image)


@pytest.mark.peer("busybox")
def test_docker_pushes_to_a_second_repository_without_sending_anything(
    hub: Hub, docker: Docker, tmp_path: Path
) -> None:
    """Every layer is mounted from the first one."""
    first, second = f"{hub.host}/{REPOSITORY}/first:1", f"{hub.host}/{REPOSITORY}/second:1"
    docker.build(write_build_folder(tmp_path / "build", "mounted"), first)
    docker.push(first)
    docker("tag", first, second)
    told = docker("push", second)
    assert told.count("Mounted from clients/docker/first") == len(docker.inspect(first)["RootFS"]["Layers"])


@pytest.mark.peer("skopeo")
def test_docker_makes_an_image_for_several_platforms(hub: Hub, docker: Docker, tmp_path: Path) -> None:
    """From images that are there, under one list; what is pulled is the image of this machine's platform."""
    repository = f"{hub.host}/{REPOSITORY}/platforms"
    names = [name for _, name in PLATFORMS]
    for system, name in PLATFORMS:
        layout = write_layout(tmp_path / name, make_image("for docker manifest", platform=(system, name)))
        skopeo_copy(layout, f"docker://{repository}:{name}", v2s2=True)
    docker.make_list(f"{repository}:all", *(f"{repository}:{name}" for name in names))

    made = docker.inspect_list(f"{repository}:all")["manifests"]
    assert [entry["platform"]["architecture"] for entry in made] == names
    assert [entry["digest"] for entry in made] == [
        skopeo_inspect(f"docker://{repository}@{entry['digest']}")["Digest"] for entry in made
    ]
    docker.pull(f"{repository}:all")
    found = docker.inspect(f"{repository}:all")
    assert found["Architecture"] in names
    assert found["Config"]["Labels"] == {"text": "for docker manifest"}
