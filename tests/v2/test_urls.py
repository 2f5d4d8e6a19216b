"""Generated URLs: what decides how they begin (reference B.5)."""

from pathlib import Path
from typing import Any

import pytest

from registryhub.oci.media_types import OCI_MANIFEST
from tests.registry.stage import image_bytes, stored_events
from tests.v2.plane import make_plane

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({}, "http://hub.example.org:5000/"),
        ({"http__prefix": "/pre/"}, "http://hub.example.org:5000/pre/"),
        ({"http__relativeurls": True}, "/"),
        ({"http__relativeurls": True, "http__prefix": "/pre/"}, "/pre/"),
        ({"http__host": "https://out.example"}, "https://out.example/"),
        ({"http__host": "https://out.example/"}, "https://out.example/"),
        ({"http__host": "https://out.example:8443/reg/"}, "https://out.example:8443/reg/"),
        ({"http__host": "https://out.example/reg/x"}, "https://out.example/reg/"),
        ({"http__host": "https://out.example", "http__relativeurls": True}, "https://out.example/"),
    ],
)
def test_what_decides_how_urls_begin(tmp_path: Path, changes: dict[str, Any], base: str) -> None:
    """Locations and the URLs of events agree."""
    plane = make_plane(tmp_path, **changes)
    root = changes.get("http__prefix", "/")
    started = plane.request("POST", f"{root}v2/team/app/blobs/uploads/")
    assert started.headers["location"].startswith(f"{base}v2/team/app/blobs/uploads/")
    assert "_state=" in started.headers["location"]
    content = image_bytes("team/app", "one")
    pushed = plane.request(
        "PUT", f"{root}v2/team/app/manifests/v1", headers={"Content-Type": OCI_MANIFEST}, body=content
    )
    assert pushed.headers["location"].startswith(f"{base}v2/team/app/manifests/sha256:")
    assert stored_events()[-1].url == pushed.headers["location"]


def test_forwarded_headers_are_not_believed(tmp_path: Path) -> None:
    """Anybody could send them."""
    plane = make_plane(tmp_path)
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "203.0.113.9",
        "Forwarded": "proto=https;host=evil.example",
    }
    answer = plane.request("POST", "/v2/team/app/blobs/uploads/", headers=headers)
    assert answer.headers["location"].startswith("http://hub.example.org:5000/v2/")
