"""umoci: a layout that skopeo copied out of the hub is unpacked, changed, packed again and copied back in."""

from pathlib import Path

import pytest

from tests.servers.clients import skopeo_copy, skopeo_inspect, umoci
from tests.servers.hub import Hub
from tests.servers.images import make_image, write_layout

pytestmark = pytest.mark.peer("skopeo", "umoci")


def test_umoci_changes_an_image_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    """The layers it did not touch stay what they are, and the new one holds the new file."""
    made = make_image("umoci")
    repository = f"docker://{hub.host}/clients/umoci"
    layout = tmp_path / "layout"
    skopeo_copy(write_layout(tmp_path / "in", made), f"{repository}:before")
    skopeo_copy(f"{repository}:before", f"oci:{layout}:image")

    umoci("unpack", "--rootless", "--image", f"{layout}:image", str(tmp_path / "bundle"))
    (tmp_path / "bundle" / "rootfs" / "new").write_text("by umoci")
    umoci("repack", "--image", f"{layout}:image", str(tmp_path / "bundle"))
    umoci("config", "--image", f"{layout}:image", "--config.label", "changed=yes")
    skopeo_copy(f"oci:{layout}:image", f"{repository}:after")

    found = skopeo_inspect(f"{repository}:after")
    assert found["Labels"] == {"text": "umoci", "changed": "yes"}
    assert found["Layers"][:-1] == [layer.digest for layer in made.layers]

    skopeo_copy(f"{repository}:after", f"oci:{tmp_path / 'again'}:image")
    umoci("unpack", "--rootless", "--image", f"{tmp_path / 'again'}:image", str(tmp_path / "unpacked"))
    assert (tmp_path / "unpacked" / "rootfs" / "new").read_text() == "by umoci"
    assert umoci("list", "--layout", str(tmp_path / "again")).split() == ["image"]
