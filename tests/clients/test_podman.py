"""podman: pull, push, and a manifest list that brings its images along."""

import json

import pytest

from tests.pushing import push_image
from tests.servers.clients import Podman, skopeo_inspect_raw
from tests.servers.hub import Hub
from tests.servers.images import PLATFORMS, make_image
from tests.servers.run import new_folder

pytestmark = pytest.mark.peer("podman", "skopeo")

REPOSITORY = "clients/podman"


@pytest.fixture
def podman() -> Podman:
    return Podman(new_folder("podman"))


def test_podman_pulls_and_pushes(hub: Hub, podman: Podman) -> None:
    """What it pulled it pushes under another name; the configuration is the same byte by byte."""
    made = make_image("podman")
    with hub.wire() as wire:
        push_image(wire, f"{REPOSITORY}/in", "1", made)
    image = f"{hub.host}/{REPOSITORY}/in:1"
    podman.pull(image)
    podman("tag", image, f"{hub.host}/{REPOSITORY}/out:2")
    podman.push(f"{hub.host}/{REPOSITORY}/out:2")
    pushed = json.loads(skopeo_inspect_raw(f"docker://{hub.host}/{REPOSITORY}/out:2"))
    assert pushed["config"]["digest"] == made.config.digest
    assert len(pushed["layers"]) == len(made.layers)


def test_podman_pushes_a_list_with_its_images(hub: Hub, podman: Podman) -> None:
    """To a repository that has none of them; each child can then be had there by its digest."""
    images = [make_image("podman list", platform=platform) for platform in PLATFORMS[:2]]
    names = [f"{hub.host}/{REPOSITORY}/parts:{image.manifest.digest[7:17]}" for image in images]
    with hub.wire() as wire:
        for image, name in zip(images, names, strict=True):
            push_image(wire, f"{REPOSITORY}/parts", name.rpartition(":")[2], image)
    podman.make_list("localhost/whole", *names)
    whole = f"docker://{hub.host}/{REPOSITORY}/whole"
    podman.push_list("localhost/whole", f"{hub.host}/{REPOSITORY}/whole:1")
    children = [entry["digest"] for entry in json.loads(skopeo_inspect_raw(f"{whole}:1"))["manifests"]]
    assert children == [image.manifest.digest for image in images]
    for image in images:
        assert skopeo_inspect_raw(f"{whole}@{image.manifest.digest}") == image.manifest.content
