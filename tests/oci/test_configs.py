"""Reading configurations of images, which nobody checks when they are pushed."""

import json
from typing import Any

import pytest

from registryhub.oci.configs import parse_config
from registryhub.oci.manifests import Platform

CONFIG: dict[str, Any] = {
    "architecture": "arm",
    "variant": "v7",
    "os": "linux",
    "created": "2026-11-24T12:00:00Z",
    "config": {
        "User": "web",
        "ExposedPorts": {"8080/tcp": {}, "443/tcp": {}},
        "Entrypoint": ["/bin/app"],
        "Cmd": ["--serve"],
        "WorkingDir": "/srv",
        "Labels": {"org.opencontainers.image.version": "1.2"},
    },
    "history": [
        {"created_by": "ADD rootfs.tar /"},
        {"created_by": "ENV A=1", "empty_layer": True},
        {"created_by": "COPY app /bin/app"},
    ],
}


def test_a_configuration_says_how_a_container_runs() -> None:
    """And which command made each layer."""
    found = parse_config(json.dumps(CONFIG).encode())
    assert found is not None
    assert str(found.platform) == "linux/arm/v7"
    assert found.platform == Platform("linux", "arm")
    assert (found.user, found.folder, list(found.ports)) == ("web", "/srv", ["443/tcp", "8080/tcp"])
    assert [*found.entrypoint, *found.command] == ["/bin/app", "--serve"]
    assert found.labels == {"org.opencontainers.image.version": "1.2"}
    assert list(found.layer_commands) == ["ADD rootfs.tar /", "COPY app /bin/app"]


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"null", b"{", b"\xff\xfe"])
def test_what_is_no_object_is_no_configuration(content: bytes) -> None:
    """Other artifacts put here what they like."""
    assert parse_config(content) is None


@pytest.mark.parametrize("strange", [None, 7, "text", [], {}, [None], {"a": 1}])
def test_strange_values_count_as_not_said(strange: Any) -> None:
    """Wherever they stand."""
    for name in CONFIG:
        assert parse_config(json.dumps(CONFIG | {name: strange}).encode()) is not None
    for name in CONFIG["config"]:
        inside = CONFIG["config"] | {name: strange}
        assert parse_config(json.dumps(CONFIG | {"config": inside}).encode()) is not None
