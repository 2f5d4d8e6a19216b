"""Generated URLs: what decides how they begin (reference B.5)."""

from base64 import b64encode
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from registryhub.access.gate import HtpasswdGate
from registryhub.http.forwarded import behind
from registryhub.oci.media_types import OCI_MANIFEST
from tests.registry.stage import image_bytes, stored_events
from tests.v2.plane import Plane, make_plane

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


FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "out.example",
    "X-Forwarded-For": "203.0.113.9",
}
STARTED = "/v2/team/app/blobs/uploads/"


def plane_behind(folder: Path, network: str, **changes: Any) -> Plane:
    """A data plane as clients see it through proxies of a network; requests come from 192.0.2.7."""
    plane = make_plane(folder, **changes)
    return Plane(behind((ip_network(network),), plane.app), plane.config)


def location(plane: Plane, **headers: str) -> str:
    return plane.request("POST", STARTED, headers=headers).headers["location"]


def test_forwarded_headers_of_a_trusted_proxy(tmp_path: Path) -> None:
    """They decide on Locations and on what events say: the URL, the host and the client's address."""
    plane = plane_behind(tmp_path, "192.0.2.0/24")
    assert location(plane, **FORWARDED).startswith(f"https://out.example{STARTED}")
    assert location(plane, Forwarded="proto=https;host=other.example").startswith(f"https://other.example{STARTED}")
    assert location(plane).startswith(f"http://hub.example.org:5000{STARTED}")
    content = image_bytes("team/app", "one")
    headers = {"Content-Type": OCI_MANIFEST, **FORWARDED}
    pushed = plane.request("PUT", "/v2/team/app/manifests/v1", headers=headers, body=content)
    event = stored_events()[-1]
    assert event.url == pushed.headers["location"] == f"https://out.example/v2/team/app/manifests/{event.digest}"
    assert event.address == "203.0.113.9"
    assert event.host == "out.example"


def test_forwarded_headers_of_anybody_else(tmp_path: Path) -> None:
    """Everybody could send them."""
    for plane in (make_plane(tmp_path), plane_behind(tmp_path, "198.51.100.0/24")):
        assert location(plane, **FORWARDED).startswith(f"http://hub.example.org:5000{STARTED}")
        assert location(plane, Forwarded="proto=https;host=a").startswith(f"http://hub.example.org:5000{STARTED}")


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({"http__host": "https://fixed.example/reg/"}, "https://fixed.example/reg/v2/"),
        ({"http__relativeurls": True}, "/v2/"),
    ],
)
def test_a_configured_address_stands_above_what_proxies_say(
    tmp_path: Path, changes: dict[str, Any], begin: str
) -> None:
    """`http.host` and `http.relativeurls` are the operator's own words."""
    assert location(plane_behind(tmp_path, "192.0.2.7", **changes), **FORWARDED).startswith(begin)


def test_who_guesses_passwords_is_held_up_by_his_own_address(tmp_path: Path) -> None:
    """Not by the proxy's, which would lock out everybody behind it."""
    gate = HtpasswdGate("Hub", tmp_path / "htpasswd")
    (tmp_path / "htpasswd").write_text("ann:$2y$04$FtMGqI8vOG7fdCPqc8xtduSYPTwXKxKxKxKxKxKxKxKxKxKxKxKxK\n")
    plane = plane_behind(tmp_path, "192.0.2.7", gate=gate)

    def guess(address: str, password: str) -> int:
        text = b64encode(f"ann:{password}".encode()).decode()
        return plane.get("/v2/", authorization=f"Basic {text}", x_forwarded_for=address).status

    answers = [guess("203.0.113.9", str(number)) for number in range(12)]
    assert (answers[0], answers[-1]) == (401, 429)
    assert guess("203.0.113.10", "x") == 401
