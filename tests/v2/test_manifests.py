"""The wire of manifests: statuses, headers, what If-None-Match decides, and what is told of it."""

from pathlib import Path
from typing import Any

import pytest

from notifications import events
from notifications.facts import Facts
from registryhub.oci.digests import digest_of
from registryhub.oci.manifests import parse_manifest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry.models import Manifest, Tag
from registryhub.storage.memory import MemoryDriver
from tests.registry.journals import JournalReader
from tests.registry.stage import (
    changed_document,
    counted_queries,
    image_bytes,
    image_for,
    index_bytes,
    put,
    stored_events,
)
from tests.v2.plane import Answer, Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

APP = "/v2/team/app/manifests"


@pytest.fixture
def plane(tmp_path: Path, journal: JournalReader) -> Plane:
    """An open registry where deleting is allowed."""
    return make_plane(tmp_path)


def push(plane: Plane, reference: str, content: bytes, media_type: str = OCI_MANIFEST, **more: Any) -> Answer:
    return plane.request("PUT", f"{APP}/{reference}", headers={"Content-Type": media_type}, body=content, **more)


def test_a_push_is_answered_with_where_and_what(plane: Plane) -> None:
    """201, the URL by digest, the digest, no body."""
    content = image_bytes("team/app", "one")
    answer = push(plane, "v1", content)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (201, b"", "0")
    digest = str(digest_of(content))
    assert answer.headers["docker-content-digest"] == digest
    assert answer.headers["location"] == f"http://hub.example.org:5000{APP}/{digest}"
    (event,) = stored_events()
    assert (event.action, event.tag, event.digest, event.method) == ("push", "v1", digest, "PUT")
    assert (event.address, event.host, event.actor) == ("192.0.2.7", "hub.example.org:5000", "")
    assert event.url == answer.headers["location"]


@pytest.mark.parametrize("by_digest", [False, True])
def test_a_manifest_is_served_with_its_type_length_and_digest(
    plane: Plane, journal: JournalReader, by_digest: bool
) -> None:
    """HEAD says the same without the body; one is a pull, the other a check."""
    content = image_bytes("team/app", "one")
    digest = put("team/app", content, tag="v1")
    target = f"{APP}/{digest if by_digest else 'v1'}"
    got, head = plane.get(target), plane.request("HEAD", target, headers={"Accept": "*/*"})
    assert (got.status, got.body, head.status, head.body) == (200, content, 200, b"")
    expected = {
        "content-type": OCI_MANIFEST,
        "content-length": str(len(content)),
        "docker-content-digest": digest,
        "etag": f'"{digest}"',
    }
    for answer in (got, head):
        assert expected.items() <= answer.headers.items()
    tag = "" if by_digest else "v1"
    assert journal.told() == [("pull", tag, digest), ("check", tag, digest)]
    assert [event.method for event in journal.events()] == ["GET", "HEAD"]


def test_a_warm_pull_is_one_query_and_one_line(
    plane: Plane, journal: JournalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By tag and by digest; a cold one reads the manifest, too."""
    digest = put("team/app", image_bytes("team/app", "never pulled before"), tag="v1")
    with counted_queries(monkeypatch) as asked:
        for _ in range(2):
            assert plane.get(f"{APP}/v1").status == 200
        assert plane.get(f"{APP}/{digest}").status == 200
    assert asked == ["tag_digest", "manifest_content", "tag_digest", "manifest_member"]
    assert len(journal.lines()) == 3


def test_a_pull_is_logged_with_what_the_image_runs_on(tmp_path: Path, journal: JournalReader) -> None:
    """So are the checks; an index tells its children, and the wire says none of it."""
    driver = MemoryDriver()
    child = image_for(driver, {"os": "linux", "architecture": "arm", "variant": "v7"})
    index = index_bytes([child])
    put("team/app", child, driver=driver)
    put("team/app", index, tag="v1", media_type=OCI_INDEX)
    plane = make_plane(tmp_path)
    both = {"Accept": f"{OCI_INDEX}, {OCI_MANIFEST}"}
    for method, reference in (("HEAD", "v1"), ("GET", "v1"), ("GET", digest_of(child))):
        assert plane.request(method, f"{APP}/{reference}", headers=both).status == 200
    of_index = Facts(platforms=("linux/amd64",), children=(digest_of(child).hex[:12],))
    assert journal.facts() == [of_index, of_index, Facts(platforms=("linux/arm/v7",))]
    assert [events.encode(event) for event in journal.events()] == journal.lines()


def test_a_manifest_of_an_older_rule_is_served_without_facts(plane: Plane, journal: JournalReader) -> None:
    """What was taken once must not be lost to a reader who has become stricter."""
    digest = put("team/app", image_bytes("team/app", "of old"), tag="v1")
    Manifest.objects.update(payload=b'{"schemaVersion":1}')
    assert plane.get(f"{APP}/{digest}").body == b'{"schemaVersion":1}'
    assert journal.facts() == [Facts()]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"{digest}"', 304),
        ("{digest}", 304),
        ('W/"{digest}"', 304),
        ('"other", W/"{digest}"', 304),
        ("*", 304),
        ('"other"', 200),
        ("sha256:", 200),
    ],
)
def test_what_the_client_has_is_not_sent_again(
    plane: Plane, journal: JournalReader, condition: str, status: int
) -> None:
    """A 304 is a check, and carries the digest."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    answer = plane.get(f"{APP}/v1", if_none_match=condition.format(digest=digest))
    assert answer.status == status
    assert (answer.headers["etag"], answer.headers["docker-content-digest"]) == (f'"{digest}"', digest)
    assert journal.told() == [("check" if status == 304 else "pull", "v1", digest)]
    if status == 304:
        assert answer.body == b""
        assert "content-length" not in answer.headers


@pytest.mark.parametrize("reference", ["none", f"sha256:{'0' * 64}"])
def test_what_is_not_there_is_unknown(plane: Plane, journal: JournalReader, reference: str) -> None:
    """Also in a repository that is not there; and nothing is told."""
    for method in ("GET", "DELETE"):
        answer = plane.request(method, f"{APP}/{reference}")
        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    assert plane.request("HEAD", f"{APP}/{reference}").status == 404
    assert journal.lines() == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", OCI_MANIFEST),
        (b"{", OCI_MANIFEST),
        (b"[" * 50_000, OCI_MANIFEST),
        (b'{"schemaVersion": 2}', "text/plain"),
        (b'{"schemaVersion": 1}', OCI_MANIFEST),
        (b'{"schemaVersion": 2}', ""),
        (b'{"schemaVersion": 2, "manifests": [], "layers": []}', OCI_INDEX),
    ],
)
def test_a_malformed_push_is_refused(plane: Plane, content: bytes, media_type: str) -> None:
    """400 MANIFEST_INVALID with a detail, and nothing is stored or told."""
    answer = push(plane, "v1", content, media_type)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert answer.detail
    assert not Manifest.objects.exists()
    assert stored_events() == []


def test_parameters_of_the_content_type_are_dropped(plane: Plane) -> None:
    """As the reference does."""
    assert push(plane, "v1", image_bytes("team/app", "one"), f"{OCI_MANIFEST}; charset=utf-8").status == 201


@pytest.mark.parametrize("content_length", [None, 2_000_000, 101])
def test_a_push_that_is_too_large_is_refused(tmp_path: Path, content_length: int | None) -> None:
    """413, whether the length says so, is missing (chunked) or lies; exactly the limit is fine."""
    plane = make_plane(tmp_path, hub__limits__manifest_bytes=100)
    body = b"x" * 101 if content_length != 2_000_000 else b""
    answer = push(plane, "v1", body, content_length=content_length)
    assert (answer.status, answer.code) == (413, "MANIFEST_INVALID")
    assert push(plane, "v1", b"x" * 100).status == 400


def test_a_body_cut_short_is_refused(plane: Plane) -> None:
    """What came would be a manifest, but not the one that was meant."""
    content = image_bytes("team/app", "one")
    answer = push(plane, "v1", content, content_length=len(content) + 1)
    assert (answer.status, answer.code) == (400, "SIZE_INVALID")
    assert not Tag.objects.exists()


def test_missing_blobs_are_listed(plane: Plane) -> None:
    """400, an entry for each."""
    answer = push(plane, "v1", image_bytes("team/other", "one", layers=2))
    assert answer.status == 400
    assert [error["code"] for error in answer.json["errors"]] == ["MANIFEST_BLOB_UNKNOWN"] * 3


def test_a_push_by_a_wrong_digest_is_refused(plane: Plane) -> None:
    """400 DIGEST_INVALID; the right one is accepted, of either algorithm."""
    content = image_bytes("team/app", "one")
    assert push(plane, f"sha256:{'0' * 64}", content).code == "DIGEST_INVALID"
    for algorithm in ("sha256", "sha512"):
        digest = str(digest_of(content, algorithm))
        assert push(plane, digest, content).headers["docker-content-digest"] == digest
        assert plane.get(f"{APP}/{digest}").body == content
    assert [event.tag for event in stored_events()] == ["", ""]


def test_a_push_by_digest_sets_all_the_tags_of_its_query(plane: Plane) -> None:
    """Each has its event and its OCI-Tag, in their order and once; all point at the manifest."""
    content = image_bytes("team/app", "one")
    digest = str(digest_of(content, "sha512"))
    answer = push(plane, f"{digest}?tag=v2&tag=v1&tag=v2&other=x&tag=latest", content)
    assert (answer.status, answer.headers["oci-tag"]) == (201, "v2,v1,latest")
    assert [(event.action, event.tag, event.digest) for event in stored_events()] == [
        ("push", tag, digest) for tag in ("v2", "v1", "latest")
    ]
    assert {plane.get(f"{APP}/{tag}").headers["docker-content-digest"] for tag in ("v1", "v2", "latest")} == {digest}


@pytest.mark.parametrize(
    ("reference", "query", "status"),
    [
        ("{digest}", "tag=v1&tag=.hidden", 400),
        ("{digest}", "tag=", 400),
        ("{digest}", f"tag={'x' * 129}", 400),
        ("{digest}", "tag=a%00b", 400),
        ("{digest}", "tag=v1&" * 51, 414),
        ("v1", "tag=v2", 400),
    ],
)
def test_one_bad_tag_refuses_the_push(plane: Plane, reference: str, query: str, status: int) -> None:
    """TAG_INVALID, and nothing is stored; tags in the query go with a digest."""
    content = image_bytes("team/app", "one")
    answer = push(plane, f"{reference.format(digest=digest_of(content))}?{query}", content)
    assert (answer.status, answer.code) == (status, "TAG_INVALID")
    assert answer.detail
    assert not Manifest.objects.exists()
    assert stored_events() == []


def test_as_many_tags_as_one_push_may_set(plane: Plane) -> None:
    """Fifty."""
    content = image_bytes("team/app", "one")
    query = "&".join(f"tag=v{number}" for number in range(50))
    assert push(plane, f"{digest_of(content)}?{query}", content).status == 201
    assert Tag.objects.count() == 50


def test_what_is_attached_is_told_to_what(plane: Plane) -> None:
    """OCI-Subject, whether the subject is there or not; without one there is no such header."""
    subject = {"mediaType": OCI_MANIFEST, "digest": f"sha512:{'a' * 128}", "size": 1}
    content = changed_document(image_bytes("team/app", "one"), subject=subject)
    assert push(plane, "v1", content).headers["oci-subject"] == subject["digest"]
    answer = push(plane, "v2", image_bytes("team/app", "two"))
    assert "oci-subject" not in answer.headers
    assert "oci-tag" not in answer.headers


def test_a_full_disk_refuses_pushes(tmp_path: Path) -> None:
    """503 before the database's disk is full."""
    plane = make_plane(tmp_path, driver=MemoryDriver(capacity=10))
    answer = push(plane, "v1", image_bytes("team/app", "one"))
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert "retry-after" in answer.headers
    assert not Manifest.objects.exists()


def test_a_pull_that_cannot_be_told_is_not_answered(plane: Plane, journal: JournalReader) -> None:
    """503 rather than a pull that is not counted."""
    put("team/app", image_bytes("team/app", "one"), tag="v1")
    journal.folder.write_text("a file where the folder should be")
    for method in ("GET", "HEAD"):
        assert plane.request(method, f"{APP}/v1").status == 503
    journal.folder.unlink()
    assert plane.get(f"{APP}/v1").status == 200


def test_deleting_by_tag_and_by_digest(plane: Plane) -> None:
    """202 with no body."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    answer = plane.request("DELETE", f"{APP}/v1")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (202, b"", "0")
    assert plane.get(f"{APP}/v1").status == 404
    assert plane.get(f"{APP}/{digest}").status == 200
    assert plane.request("DELETE", f"{APP}/{digest}").status == 202
    assert plane.get(f"{APP}/{digest}").status == 404
    assert [(event.action, event.method) for event in stored_events()[1:]] == [("delete", "DELETE")] * 2


def test_deleting_can_be_forbidden(tmp_path: Path, journal: JournalReader) -> None:
    """405 UNSUPPORTED unless `storage.delete.enabled`, by digest and by tag (reference B.10)."""
    plane = make_plane(tmp_path, storage__delete__enabled=False)
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    for reference in (digest, "v1"):
        answer = plane.request("DELETE", f"{APP}/{reference}")
        assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    assert plane.get(f"{APP}/v1").status == 200


def test_what_is_still_needed_can_be_protected(tmp_path: Path, journal: JournalReader) -> None:
    """403 DENIED with the reason, of a manifest and of a blob; by default they go."""
    content = image_bytes("team/app", "one")
    digest = put("team/app", content)
    index = put("team/app", index_bytes([content]), media_type=OCI_INDEX)
    layer = parse_manifest(content, OCI_MANIFEST).layers[0].digest
    protected = make_plane(tmp_path, hub__delete__protect=True)
    targets = {f"{APP}/{digest}": index, f"/v2/team/app/blobs/{layer}": digest}
    for target, holder in targets.items():
        answer = protected.request("DELETE", target)
        assert (answer.status, answer.code) == (403, "DENIED")
        assert f"{holder} refers to it" in answer.detail
    assert [make_plane(tmp_path).request("DELETE", target).status for target in targets] == [202, 202]
