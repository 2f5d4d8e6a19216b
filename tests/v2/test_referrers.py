"""The wire of referrers (OCI distribution-spec 1.1 "Listing Referrers")."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import referrers
from tests.registry.journals import JournalReader
from tests.registry.stage import changed_document, image_bytes, stored_events
from tests.v2.plane import Answer, Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

SUBJECT = digest_of(b"an image")
LIST = f"/v2/team/app/referrers/{SUBJECT}"
SBOM = "application/spdx+json"


@pytest.fixture
def plane(tmp_path: Path, journal: JournalReader) -> Plane:
    """An open registry where deleting is allowed."""
    return make_plane(tmp_path)


def attach(plane: Plane, text: str, subject: Any = SUBJECT, **fields: Any) -> str:
    """Push what is attached to the subject, by its digest."""
    descriptor = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 8}
    content = changed_document(image_bytes("team/app", text, layers=0), subject=descriptor, **fields)
    digest = str(digest_of(content))
    target = f"/v2/team/app/manifests/{digest}"
    answer = plane.request("PUT", target, headers={"Content-Type": OCI_MANIFEST}, body=content)
    assert (answer.status, answer.headers["oci-subject"]) == (201, str(subject))
    return digest


def digests(answer: Answer) -> list[str]:
    assert (answer.status, answer.headers["content-type"]) == (200, OCI_INDEX)
    assert {**answer.json, "manifests": []} == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    return [descriptor["digest"] for descriptor in answer.json["manifests"]]


@pytest.mark.parametrize(
    "target", [LIST, f"/v2/team/none/referrers/{SUBJECT}", f"/v2/team/app/referrers/sha512:{'a' * 128}"]
)
def test_nothing_is_an_empty_list(plane: Plane, target: str) -> None:
    """Of a subject, a repository or an algorithm that nobody has used: 404 would say that there is no such listing."""
    answer = plane.get(target)
    assert digests(answer) == []
    assert "link" not in answer.headers
    assert "oci-filters-applied" not in answer.headers


@pytest.mark.parametrize("digest", ["sha256:abc", f"sha256:{'A' * 64}", "md5:00", "latest", "a:b:c", "%00", "sha256:"])
def test_a_bad_digest_is_refused(plane: Plane, digest: str) -> None:
    """400."""
    answer = plane.get(f"/v2/team/app/referrers/{digest}")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


def test_what_is_attached_is_listed_until_it_is_deleted(plane: Plane, journal: JournalReader) -> None:
    """A subject may come later than what is attached to it, and go before it; a listing is no pull."""
    found = attach(plane, "one", annotations={"made": "today"})
    (descriptor,) = plane.get(LIST).json["manifests"]
    assert (descriptor["digest"], descriptor["annotations"]) == (found, {"made": "today"})
    assert plane.request("DELETE", f"/v2/team/app/manifests/{found}").status == 202
    assert digests(plane.get(LIST)) == []
    assert journal.lines() == []
    assert [event.action for event in stored_events()] == ["push", "delete"]


def test_head_says_the_same_without_the_body(plane: Plane) -> None:
    """With the length of the list."""
    attach(plane, "one")
    got, head = plane.get(LIST), plane.request("HEAD", LIST)
    assert (head.status, head.body, head.headers) == (200, b"", got.headers)
    assert head.headers["content-length"] == str(len(got.body))


def test_other_methods_are_not_there(plane: Plane) -> None:
    """405 with those that are."""
    answer = plane.request("PUT", LIST)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_one_type_alone(plane: Plane) -> None:
    """Said to be applied; an empty one asks for all."""
    sbom = attach(plane, "one", artifactType=SBOM)
    other = attach(plane, "two", artifactType="text/other")
    answer = plane.get(f"{LIST}?artifactType={quote(SBOM)}")
    assert (digests(answer), answer.headers["oci-filters-applied"]) == ([sbom], "artifactType")
    assert digests(plane.get(f"{LIST}?artifactType={SBOM}")) == [sbom], "a plus is typed as it is"
    answer = plane.get(f"{LIST}?artifactType=text/none%00")
    assert (digests(answer), answer.headers["oci-filters-applied"]) == ([], "artifactType")
    answer = plane.get(f"{LIST}?artifactType=")
    assert digests(answer) == sorted([sbom, other])
    assert "oci-filters-applied" not in answer.headers


def walk(plane: Plane, target: str) -> list[list[str]]:
    """All pages by their links."""
    pages = []
    while True:
        answer = plane.get(target)
        pages.append(digests(answer))
        if "link" not in answer.headers:
            return pages
        target, _, kind = answer.headers["link"].removeprefix("<").partition(">")
        assert kind == '; rel="next"'


def test_pages_are_linked(tmp_path: Path, journal: JournalReader) -> None:
    """Behind the prefix, with the filter, until nothing is left."""
    plane = make_plane(tmp_path, http__prefix="/pre/")
    open_plane = make_plane(tmp_path)
    found = sorted(attach(open_plane, f"number {number}", artifactType=SBOM) for number in range(5))
    attach(open_plane, "another", artifactType="text/other")
    pages = walk(plane, f"/pre{LIST}?n=2&artifactType={quote(SBOM)}")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [digest for page in pages for digest in page] == found


def test_large_descriptors_make_more_pages(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being asked for pages."""
    monkeypatch.setattr(referrers, "MAX_BYTES", 3000)
    found = sorted(attach(plane, f"number {number}", annotations={"text": "x" * 1000}) for number in range(5))
    pages = walk(plane, LIST)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [digest for page in pages for digest in page] == found


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "9" * 30])
def test_a_bad_number_is_refused(plane: Plane, number: str) -> None:
    """400, as of other listings."""
    answer = plane.get(f"{LIST}?n={number}")
    assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")


def test_no_more_than_a_page(plane: Plane) -> None:
    """n=0 is an empty page; the most there is a thousand, however much is asked for."""
    attach(plane, "one")
    assert walk(plane, f"{LIST}?n=0") == [[]]
    assert len(walk(plane, f"{LIST}?n={10**17}")) == 1
