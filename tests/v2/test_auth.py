"""Who may talk to the data plane, and when that is asked."""

import base64
from pathlib import Path

import bcrypt
import pytest

from registryhub.access.gate import Gate, HtpasswdGate
from registryhub.oci.errors import TOOMANYREQUESTS, OciError
from registryhub.oci.media_types import OCI_MANIFEST
from tests.registry.journals import JournalReader
from tests.registry.stage import image_bytes, stored_events
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """One user, ann, whose password is `right`."""
    path = tmp_path / "htpasswd"
    path.write_text(f"ann:{bcrypt.hashpw(b'right', bcrypt.gensalt(4)).decode()}\n")
    return HtpasswdGate("Hub", path)


@pytest.fixture
def plane(tmp_path: Path, gate: Gate, journal: JournalReader) -> Plane:
    """A registry that only ann may use."""
    return make_plane(tmp_path, gate=gate)


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v2/"),
        ("GET", "/v2/_catalog"),
        ("GET", "/v2/team/app/tags/list"),
        ("GET", "/v2/team/app/manifests/v1"),
        ("PUT", "/v2/team/app/manifests/v1"),
        ("DELETE", "/v2/team/app/manifests/v1"),
        ("HEAD", f"/v2/team/app/blobs/sha256:{'0' * 64}"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("PATCH", "/v2/team/app/manifests/v1"),
        ("OPTIONS", "/v2/_catalog"),
        ("GET", f"/v2/{'a' * 256}/manifests/v1"),
    ],
)
def test_every_route_asks_first(plane: Plane, method: str, target: str) -> None:
    """Before the name, the method and the body are looked at (reference D.1)."""
    for headers in ({}, basic("ann", "wrong"), basic("bob", "right"), {"Authorization": "Bearer x"}):
        answer = plane.request(method, target, headers=headers)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="Hub"')
        assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
        assert method == "HEAD" or answer.code == "UNAUTHORIZED"


def test_what_is_no_route_needs_no_password(plane: Plane) -> None:
    """404 and redirects are anonymous."""
    assert plane.get("/v2/nothing").status == 404
    assert plane.get("/v2").status == 301


def test_events_name_who_proved_it(plane: Plane, journal: JournalReader) -> None:
    """The actor of pushes and pulls."""
    content = image_bytes("team/app", "one")
    headers = {**basic("ann", "right"), "Content-Type": OCI_MANIFEST}
    assert plane.request("PUT", "/v2/team/app/manifests/v1", headers=headers, body=content).status == 201
    assert plane.request("GET", "/v2/team/app/manifests/v1", headers=headers).status == 200
    assert [event.actor for event in (*stored_events(), *journal.events())] == ["ann", "ann"]


def test_a_name_that_nothing_proves_is_no_actor(tmp_path: Path, journal: JournalReader) -> None:
    """With auth off a user name is only a claim."""
    plane = make_plane(tmp_path)
    content = image_bytes("team/app", "one")
    headers = {**basic("mallory", "x"), "Content-Type": OCI_MANIFEST}
    assert plane.request("PUT", "/v2/team/app/manifests/v1", headers=headers, body=content).status == 201
    assert [event.actor for event in stored_events()] == [""]


def test_too_many_guesses_are_told_to_wait(tmp_path: Path) -> None:
    """What the gate raises is what the client gets."""

    class Tired:
        def authorize(self, authorization: str | None, address: str) -> str:
            assert address == "192.0.2.7"
            raise OciError(TOOMANYREQUESTS, headers=(("retry-after", "7"),))

    answer = make_plane(tmp_path, gate=Tired()).get("/v2/")
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "TOOMANYREQUESTS", "7")
