"""Somebody removes, cuts or lengthens the file of a blob: nobody is served it, and a push mends it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pushing import push_blob, push_image
from tests.servers.clients import skopeo_copy
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.images import Blob, make_image, write_layout
from tests.servers.run import new_folder
from tests.wire import Wire

REPOSITORY = "damaged/app"


@pytest.fixture(scope="module")
def hub(new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    with Hub(new_folder("hub"), new_databases()) as hub:
        yield hub


def file_of(hub: Hub, blob: Blob) -> Path:
    hex_ = blob.digest.removeprefix("sha256:")
    return hub.blob_folder / "docker/registry/v2/blobs/sha256" / hex_[:2] / hex_ / "data"


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


DAMAGES = (remove, cut, empty, lengthen)


@pytest.mark.parametrize("layer_bytes", [1000, 3 << 20])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_blob_is_unknown_until_it_is_pushed_again(
    hub: Hub, damage: Callable[[Path], None], layer_bytes: int
) -> None:
    """Not even a part of it is served, and it cannot be mounted elsewhere."""
    image = make_image(f"{damage.__name__} {layer_bytes}", layers=1, layer_bytes=layer_bytes, is_compressed=False)
    (layer,) = image.layers
    with hub.wire() as wire:
        push_image(wire, REPOSITORY, "1", image)
        damage(file_of(hub, layer))
        assert_unknown(wire, layer)
        push_blob(wire, REPOSITORY, layer)
        assert_whole(wire, layer)


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_client_that_pushes_its_image_again_mends_it(
    hub: Hub, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    """It asks for each blob, and sends the one that is not there."""
    made = make_image(f"skopeo {damage.__name__}")
    layout, image = write_layout(tmp_path / "in", made), f"docker://{hub.host}/{REPOSITORY}:skopeo"
    skopeo_copy(layout, image)
    damage(file_of(hub, made.layers[1]))
    skopeo_copy(layout, image)
    skopeo_copy(image, f"dir:{tmp_path / 'out'}")
    with hub.wire() as wire:
        assert_whole(wire, made.layers[1])


def assert_unknown(wire: Wire, blob: Blob) -> None:
    target = f"/v2/{REPOSITORY}/blobs/{blob.digest}"
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=0-9,20-29"}):
        reply = wire.request("GET", target, headers=headers)
        assert (reply.status, reply.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")
    assert wire.request("HEAD", target).status == 404
    mount = f"/v2/{REPOSITORY}/elsewhere/blobs/uploads/?mount={blob.digest}&from={REPOSITORY}"
    assert wire.request("POST", mount).status == 202


def assert_whole(wire: Wire, blob: Blob) -> None:
    target = f"/v2/{REPOSITORY}/blobs/{blob.digest}"
    assert wire.request("HEAD", target).headers["content-length"] == str(len(blob.content))
    assert wire.request("GET", target).body == blob.content
