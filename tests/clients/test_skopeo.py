"""skopeo: copies between layouts and repositories, looks, lists and deletes."""

import json
from pathlib import Path

import pytest

from registryhub.oci.media_types import DOCKER_MANIFEST
from tests.pushing import push_image
from tests.servers.clients import (
    ClientError,
    skopeo_copy,
    skopeo_delete,
    skopeo_inspect,
    skopeo_inspect_raw,
    skopeo_list_tags,
)
from tests.servers.hub import Hub
from tests.servers.images import make_image, make_index, write_layout

pytestmark = pytest.mark.peer("skopeo")

REPOSITORY = "clients/skopeo"


def test_skopeo_copies_all_platforms_in_through_and_out(hub: Hub, tmp_path: Path) -> None:
    """From a layout to a repository, to another one, and back to a layout: byte by byte."""
    made = make_index("skopeo", layers=3)
    first, second = (f"docker://{hub.host}/{REPOSITORY}/{name}:1" for name in ("first", "second"))
    skopeo_copy(write_layout(tmp_path / "in", made), first, all_platforms=True)
    skopeo_copy(first, second, all_platforms=True)
    assert skopeo_inspect_raw(second) == made.index.content
    skopeo_copy(second, f"oci:{tmp_path / 'out'}:1", all_platforms=True)
    for image in made.images:
        for blob in (image.manifest, *image.blobs):
            path = tmp_path / "out" / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")
            assert path.read_bytes() == blob.content


def test_skopeo_makes_a_docker_image_of_an_oci_one(hub: Hub, tmp_path: Path) -> None:
    """Another manifest of the other type, of the same layers, which are not sent again."""
    made = make_image("turned")
    image, turned = (f"docker://{hub.host}/{REPOSITORY}/turned:{tag}" for tag in ("oci", "docker"))
    skopeo_copy(write_layout(tmp_path / "in", made), image)
    skopeo_copy(image, turned, v2s2=True)
    found = json.loads(skopeo_inspect_raw(turned))
    assert found["mediaType"] == DOCKER_MANIFEST
    assert [layer["digest"] for layer in found["layers"]] == [layer.digest for layer in made.layers]
    assert found["config"]["digest"] == made.config.digest


def test_skopeo_takes_layers_that_are_not_compressed_as_they_are(hub: Hub, tmp_path: Path) -> None:
    """Into a layout, where the manifest keeps its digest."""
    made = make_image("plain", is_compressed=False)
    with hub.wire() as wire:
        push_image(wire, f"{REPOSITORY}/plain", "1", made)
    more = ("--dest-oci-accept-uncompressed-layers", "--preserve-digests")
    skopeo_copy(f"docker://{hub.host}/{REPOSITORY}/plain:1", f"oci:{tmp_path}:1", more=more)
    for blob in (made.manifest, *made.blobs):
        assert (tmp_path / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")).read_bytes() == blob.content


def test_skopeo_looks_lists_and_deletes(hub: Hub) -> None:
    """A deleted image takes along every tag that pointed at it, and no other one."""
    kept, gone = make_image("kept"), make_image("gone")
    with hub.wire() as wire:
        push_image(wire, f"{REPOSITORY}/tags", "kept", kept)
        for tag in ("gone", "also-gone"):
            push_image(wire, f"{REPOSITORY}/tags", tag, gone)
    repository = f"docker://{hub.host}/{REPOSITORY}/tags"
    found = skopeo_inspect(f"{repository}:kept")
    assert (found["Digest"], found["Labels"]) == (kept.manifest.digest, {"text": "kept"})
    assert found["RepoTags"] == skopeo_list_tags(repository) == ["also-gone", "gone", "kept"]
    skopeo_delete(f"{repository}:gone")
    assert skopeo_list_tags(repository) == ["kept"]
    with pytest.raises(ClientError, match="manifest unknown"):
        skopeo_inspect_raw(f"{repository}@{gone.manifest.digest}")
