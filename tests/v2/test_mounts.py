"""The wire of mounts (OCI distribution-spec 1.1 "Mounting a blob from another repository")."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from registryhub.oci.digests import digest_of
from registryhub.registry.models import BlobLink
from tests.registry.stage import stored_events
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "library/app"
CONTENT = b"0123456789" * 100
DIGEST = str(digest_of(CONTENT))


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return make_plane(tmp_path)


def push(plane: Plane, name: str) -> None:
    where = f"/v2/{name}/blobs/uploads/?{urlencode({'digest': DIGEST})}"
    assert plane.request("POST", where, body=CONTENT).status == 201


def test_a_mount_from_another_repository(plane: Plane) -> None:
    """201 without a byte sent, and an event that names the source."""
    push(plane, NAME)
    query = urlencode({"mount": DIGEST, "from": NAME})
    answer = plane.request("POST", f"/v2/second/app/blobs/uploads/?{query}")
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, DIGEST)
    assert answer.headers["location"] == f"http://hub.example.org:5000/v2/second/app/blobs/{DIGEST}"
    assert plane.get(f"/v2/second/app/blobs/{DIGEST}").body == CONTENT
    event = stored_events()[-1]
    assert (event.action, event.repository, event.from_repository) == ("mount", "second/app", NAME)


@pytest.mark.parametrize("query", [{"mount": DIGEST}, {"mount": DIGEST, "from": ""}])
def test_a_mount_from_wherever_it_is(plane: Plane, query: dict[str, str]) -> None:
    """Without `from` the hub finds a source; the event names the real one."""
    for name in (NAME, "third/app"):
        push(plane, name)
    answer = plane.request("POST", f"/v2/second/app/blobs/uploads/?{urlencode(query)}")
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, DIGEST)
    assert plane.get(f"/v2/second/app/blobs/{DIGEST}").body == CONTENT
    event = stored_events()[-1]
    assert (event.action, event.repository, event.from_repository) == ("mount", "second/app", NAME)


@pytest.mark.parametrize(
    "query",
    [
        {"mount": str(digest_of(b"unknown"))},
        {"mount": "md5:0"},
        {"mount": ""},
        {"mount": DIGEST, "from": "nobody/app"},
        {"mount": DIGEST, "from": "../app"},
        {"mount": "nonsense", "from": NAME},
        {"mount": str(digest_of(b"unknown")), "from": NAME},
        {"from": NAME},
    ],
)
def test_what_cannot_be_mounted_is_uploaded(plane: Plane, query: dict[str, str]) -> None:
    """202 whatever is wrong: the client sends the bytes instead."""
    push(plane, NAME)
    answer = plane.request("POST", f"/v2/second/app/blobs/uploads/?{urlencode(query)}")
    assert answer.status == 202
    assert not BlobLink.objects.filter(repository__name="second/app").exists()
