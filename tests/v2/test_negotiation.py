"""Which manifest a client gets, by what its Accept says (reference B.6, with the mends of its section L)."""

from pathlib import Path

import pytest

from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from tests.registry.journals import JournalReader
from tests.registry.stage import dump, image_bytes, index_bytes, put
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

APP = "/v2/team/app/manifests"


@pytest.fixture
def plane(tmp_path: Path, journal: JournalReader) -> Plane:
    """An open registry."""
    return make_plane(tmp_path)


@pytest.mark.parametrize(
    ("media_type", "accept", "status"),
    [
        (DOCKER_MANIFEST, "text/html", 200),
        (OCI_INDEX, "text/html", 200),
        (OCI_INDEX, "", 200),
        (OCI_INDEX, "*/*", 200),
        (OCI_MANIFEST, "text/html", 404),
        (OCI_MANIFEST, OCI_INDEX, 404),
        (OCI_MANIFEST, "*/*", 200),
        (OCI_MANIFEST, "application/*;q=0.5", 200),
        (OCI_MANIFEST, f"text/html, {OCI_MANIFEST};q=0.1", 200),
        (OCI_MANIFEST, f"{OCI_MANIFEST};q=0, */*", 404),
        (OCI_MANIFEST, f"text/plain;q=0.3, garbage,, {OCI_MANIFEST};charset=x", 200),
        (OCI_MANIFEST, "", 200),
    ],
)
def test_only_an_oci_manifest_needs_a_client_that_reads_it(
    plane: Plane, journal: JournalReader, media_type: str, accept: str, status: int
) -> None:
    """Reference B.6; a wildcard or no Accept at all is enough. A refusal is neither a pull nor a check."""
    if media_type == OCI_INDEX:
        put("team/app", index_bytes([]), tag="v1", media_type=media_type)
    else:
        put("team/app", image_bytes("team/app", "one", media_type=media_type), tag="v1", media_type=media_type)
    answer = plane.get(f"{APP}/v1", accept=accept) if accept else plane.get(f"{APP}/v1")
    assert answer.status == status
    assert len(journal.lines()) == (1 if status == 200 else 0)
    if status == 404:
        assert answer.code == "MANIFEST_UNKNOWN"
        said = answer.json["errors"][0]["message"]
        assert said == "OCI manifest found, but accept header does not support OCI manifests"


def docker_list(child_type: str = DOCKER_MANIFEST) -> tuple[str, str]:
    """A list under the tag `all`; its digest and that of its amd64 child."""
    children = [image_bytes("team/app", text, media_type=child_type) for text in ("amd64", "arm64")]
    amd64, _ = [put("team/app", child, media_type=child_type) for child in children]
    content = index_bytes(children, media_type=DOCKER_LIST, child_type=child_type)
    return put("team/app", content, media_type=DOCKER_LIST, tag="all"), amd64


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "garbage",
        DOCKER_MANIFEST,
        f"{OCI_INDEX},{DOCKER_MANIFEST}",
        f"{DOCKER_LIST};q=0, */*",
    ],
)
def test_a_client_that_knows_no_lists_gets_the_amd64_image(
    plane: Plane, journal: JournalReader, accept: str | None
) -> None:
    """By tag; one pull of what was served. Who says nothing that can be read is such a client (reference L)."""
    _, amd64 = docker_list()
    headers = {"accept": accept} if accept else {}
    answer = plane.get(f"{APP}/all", **headers)
    assert (answer.status, answer.headers["docker-content-digest"]) == (200, amd64)
    assert answer.headers["content-type"] == DOCKER_MANIFEST
    assert journal.told() == [("pull", "all", amd64)]
    assert plane.get(f"{APP}/all", if_none_match=amd64, **headers).status == 304


@pytest.mark.parametrize(
    ("is_by_tag", "accept"),
    [
        (True, DOCKER_LIST),
        (True, "*/*"),
        (True, "text/html, application/*;q=0.1"),
        (True, f"{DOCKER_MANIFEST}, {DOCKER_LIST};q=0.5"),
        (False, "text/html"),
        (False, "*/*"),
        (False, None),
    ],
)
def test_a_list_is_served_to_those_who_take_it_and_by_digest_to_all(
    plane: Plane, journal: JournalReader, is_by_tag: bool, accept: str | None
) -> None:
    """Nothing is rewritten; a wildcard takes lists, too."""
    digest, _ = docker_list()
    answer = plane.get(f"{APP}/{'all' if is_by_tag else digest}", **({"accept": accept} if accept else {}))
    assert (answer.status, answer.headers["docker-content-digest"]) == (200, digest)
    assert answer.headers["content-type"] == DOCKER_LIST
    assert [told[2] for told in journal.told()] == [digest]


def test_a_list_that_cannot_be_rewritten_is_refused(plane: Plane, journal: JournalReader) -> None:
    """No amd64 child: 404. A client that does not read the child: 400, or 404 for an OCI child."""
    arm = put("team/app", image_bytes("team/app", "arm", media_type=DOCKER_MANIFEST), media_type=DOCKER_MANIFEST)
    child = {"mediaType": DOCKER_MANIFEST, "digest": arm, "size": 1}
    child |= {"platform": {"os": "linux", "architecture": "arm64"}}
    content = dump({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [child]})
    put("team/app", content, media_type=DOCKER_LIST, tag="arm")
    answer = plane.get(f"{APP}/arm")
    assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    docker_list()
    answer = plane.get(f"{APP}/all", accept="text/html")
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert answer.detail == "Schema 2 manifest not supported by client"
    docker_list(OCI_MANIFEST)
    assert plane.get(f"{APP}/all", accept="text/html").code == "MANIFEST_UNKNOWN"
    assert journal.lines() == []
