"""The wire of uploads (reference B.9, with the mends of its section L)."""

from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import pytest

from registryhub.oci.digests import digest_of
from registryhub.registry.models import BlobLink, Upload
from registryhub.storage.memory import MemoryDriver
from tests.registry.stage import stored_events
from tests.v2.plane import Answer, Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "library/app"
UPLOADS = f"/v2/{NAME}/blobs/uploads/"
CONTENT = b"0123456789" * 100
DIGEST = str(digest_of(CONTENT))
BLOB = f"/v2/{NAME}/blobs/{DIGEST}"


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    """An open registry with default settings."""
    return make_plane(tmp_path)


def start(plane: Plane) -> str:
    """Where a new upload takes its bytes."""
    return target(plane.request("POST", UPLOADS))


def target(answer: Answer) -> str:
    """The Location of an answer, without scheme and host."""
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"


def closing(where: str, digest: str = DIGEST) -> str:
    return f"{where}&{urlencode({'digest': digest})}"


def send(plane: Plane, content: bytes, **headers: str) -> str:
    """A new upload with one chunk; where it goes on."""
    answer = plane.request("PATCH", start(plane), body=content, headers=headers)
    assert answer.status == 202
    return target(answer)


def assert_stands(answer: Answer, code: int, offset: int) -> None:
    """Status, and the three headers that tell how far an upload came."""
    assert answer.status == code
    assert answer.headers["range"] == f"0-{max(offset - 1, 0)}"
    upload_id = answer.headers["docker-upload-uuid"]
    assert UUID(upload_id).version == 7
    assert answer.headers["location"].startswith(f"http://hub.example.org:5000{UPLOADS}{upload_id}?_state=")


def assert_pushed(plane: Plane) -> None:
    answer = plane.get(BLOB)
    assert (answer.status, answer.body) == (200, CONTENT)
    (event,) = stored_events()
    assert (event.action, event.repository, event.digest, event.size) == ("push", NAME, DIGEST, len(CONTENT))
    assert event.url == f"http://hub.example.org:5000{BLOB}"
    assert not Upload.objects.exists()


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code)
    assert stored_events() == []
    assert not BlobLink.objects.exists()


def test_a_push_as_docker_does_it(plane: Plane) -> None:
    """POST, PATCH without a range, an empty PUT; each answer says where to go on."""
    begun = plane.request("POST", UPLOADS)
    assert_stands(begun, 202, 0)
    assert begun.headers["content-length"] == "0"
    grown = plane.request("PATCH", target(begun), body=CONTENT)
    assert_stands(grown, 202, len(CONTENT))
    done = plane.request("PUT", closing(target(grown)), content_length=0)
    assert done.status == 201
    assert done.headers["location"] == f"http://hub.example.org:5000{BLOB}"
    assert done.headers["docker-content-digest"] == DIGEST
    assert done.headers["content-length"] == "0"
    assert_pushed(plane)


@pytest.mark.parametrize("prefix", ["", "bytes ", "bytes="])
@pytest.mark.parametrize("suffix", ["", "/1000", "/*"])
def test_chunks_that_say_their_range(plane: Plane, prefix: str, suffix: str) -> None:
    """With or without the unit, up to the closing PUT."""
    where = start(plane)
    for first in (0, 400):
        headers = {"content-range": f"{prefix}{first}-{first + 399}{suffix}"}
        answer = plane.request("PATCH", where, body=CONTENT[first : first + 400], headers=headers)
        assert_stands(answer, 202, first + 400)
        where = target(answer)
    headers = {"content-range": f"{prefix}800-999{suffix}"}
    assert plane.request("PUT", closing(where), body=CONTENT[800:], headers=headers).status == 201
    assert_pushed(plane)


def test_a_push_in_two_requests(plane: Plane) -> None:
    """POST, then all bytes with the PUT; the body is never taken for a form."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert plane.request("PUT", closing(start(plane)), body=CONTENT, headers=headers).status == 201
    assert_pushed(plane)


CHUNKED = {"transfer-encoding": "chunked"}
LENGTHS: tuple[dict[str, str], ...] = ({}, CHUNKED)


@pytest.mark.parametrize("headers", LENGTHS)
def test_a_push_in_one_request(plane: Plane, headers: dict[str, str]) -> None:
    """All bytes with the POST, of known length or chunked."""
    where = f"{UPLOADS}?{urlencode({'digest': DIGEST})}"
    answer = plane.request("POST", where, body=CONTENT, headers=headers)
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, DIGEST)
    assert answer.headers["location"] == f"http://hub.example.org:5000{BLOB}"
    assert_pushed(plane)


@pytest.mark.parametrize("headers", LENGTHS)
@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_push_in_one_request_by_another_digest(plane: Plane, algorithm: str, headers: dict[str, str]) -> None:
    """It is known by the digest that its client uses, and by no other."""
    digest = str(digest_of(CONTENT, algorithm))
    answer = plane.request("POST", f"{UPLOADS}?{urlencode({'digest': digest})}", body=CONTENT, headers=headers)
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, digest)
    assert plane.get(f"/v2/{NAME}/blobs/{digest}").body == CONTENT
    assert plane.get(BLOB).status == 404


@pytest.mark.parametrize("content_length", [None, 0])
@pytest.mark.parametrize("digest", [DIGEST, "nonsense", ""])
def test_a_post_that_names_a_digest_but_brings_nothing_starts_an_upload(
    plane: Plane, digest: str, content_length: int | None
) -> None:
    """So does the reference, and clients go on from there: the PUT will tell what is wrong with a digest."""
    answer = plane.request("POST", f"{UPLOADS}?{urlencode({'digest': digest})}", content_length=content_length)
    assert_stands(answer, 202, 0)


@pytest.mark.parametrize("headers", LENGTHS)
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_empty_blob_in_one_request(plane: Plane, algorithm: str, headers: dict[str, str]) -> None:
    """No bytes are all the bytes of it: who names its digest has sent it."""
    digest = str(digest_of(b"", algorithm))
    where = f"{UPLOADS}?{urlencode({'digest': digest})}"
    answer = plane.request("POST", where, content_length=0, headers=headers)
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, digest)
    assert plane.get(f"/v2/{NAME}/blobs/{digest}").headers["content-length"] == "0"
    assert [(event.digest, event.size) for event in stored_events()] == [(digest, 0)]


def test_a_chunked_post_that_turns_out_to_be_empty(plane: Plane) -> None:
    """It announced a body, which then is not what its digest says."""
    where = f"{UPLOADS}?{urlencode({'digest': DIGEST})}"
    assert_refused(plane.request("POST", where, headers=CHUNKED), 400, "DIGEST_INVALID")
    assert not Upload.objects.exists()


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("closes_with", ["sha256", "sha512"])
def test_an_upload_that_announces_its_algorithm(plane: Plane, algorithm: str, closes_with: str) -> None:
    """Whatever was announced, the digest at the end counts."""
    begun = plane.request("POST", f"{UPLOADS}?digest-algorithm={algorithm}")
    assert_stands(begun, 202, 0)
    assert Upload.objects.get().algorithm == algorithm
    grown = plane.request("PATCH", target(begun), body=CONTENT[:400])
    digest = str(digest_of(CONTENT, closes_with))
    done = plane.request("PUT", closing(target(grown), digest), body=CONTENT[400:])
    assert (done.status, done.headers["docker-content-digest"]) == (201, digest)
    assert plane.get(f"/v2/{NAME}/blobs/{digest}").body == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "SHA512", "sha512:", "blake3"])
def test_an_algorithm_that_nobody_knows(plane: Plane, algorithm: str) -> None:
    """400 that lists the known ones; no upload begins."""
    answer = plane.request("POST", f"{UPLOADS}?digest-algorithm={algorithm}")
    assert_refused(answer, 400, "DIGEST_INVALID")
    assert "sha256, sha384, sha512" in answer.detail
    assert not Upload.objects.exists()


def test_a_driver_may_ask_for_large_chunks(plane: Plane, tmp_path: Path) -> None:
    """Where small ones are dear each 202 says so; elsewhere the header is not there."""
    driver = MemoryDriver(min_chunk_bytes=5 << 20)
    asking = make_plane(tmp_path, driver=driver)
    begun = asking.request("POST", UPLOADS)
    grown = asking.request("PATCH", target(begun), body=CONTENT)
    for answer in (begun, grown):
        assert (answer.status, answer.headers["oci-chunk-min-length"]) == (202, str(5 << 20))
    assert asking.request("PUT", closing(target(grown)), content_length=0).status == 201
    assert "oci-chunk-min-length" not in plane.request("POST", UPLOADS).headers


def test_a_push_in_one_request_that_fails_leaves_nothing(plane: Plane) -> None:
    """The client has no URL to go on at."""
    where = f"{UPLOADS}?{urlencode({'digest': DIGEST})}"
    assert_refused(plane.request("POST", where, body=b"other"), 400, "DIGEST_INVALID")
    assert_refused(plane.request("POST", f"{UPLOADS}?digest=nonsense", body=b"other"), 400, "DIGEST_INVALID")
    assert_refused(plane.request("POST", where, body=CONTENT, content_length=5000), 400, "SIZE_INVALID")
    assert not Upload.objects.exists()


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_push_by_another_algorithm(plane: Plane, algorithm: str) -> None:
    """It is read back under the digest it was pushed by."""
    digest = str(digest_of(CONTENT, algorithm))
    answer = plane.request("PUT", closing(send(plane, CONTENT[:500]), digest), body=CONTENT[500:])
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, digest)
    assert plane.get(f"/v2/{NAME}/blobs/{digest}").body == CONTENT


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_status_needs_no_state(plane: Plane, method: str) -> None:
    """204 with a fresh Location, at which the upload really goes on."""
    where = send(plane, CONTENT[:400]).partition("?")[0]
    answer = plane.request(method, where)
    assert_stands(answer, 204, 400)
    assert answer.body == b""
    assert plane.request("PUT", closing(target(answer)), body=CONTENT[400:]).status == 201
    assert_pushed(plane)


def test_a_cancelled_upload_is_unknown(plane: Plane) -> None:
    """204, and from then on 404."""
    where = send(plane, CONTENT)
    answer = plane.request("DELETE", where)
    assert answer.status == 204
    assert answer.headers["docker-upload-uuid"] in where
    for method in ("GET", "HEAD"):
        assert plane.request(method, where).status == 404
    for method in ("PATCH", "PUT", "DELETE"):
        assert_refused(plane.request(method, closing(where), body=b"x"), 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("upload_id", ["no-uuid", "...", "0" * 500])
def test_an_id_that_is_none(plane: Plane, method: str, upload_id: str) -> None:
    """404, whatever its state says."""
    state = urlsplit(start(plane)).query
    assert_refused(plane.request(method, f"{UPLOADS}{upload_id}?{state}", body=b"x"), 404, "BLOB_UPLOAD_UNKNOWN")


def test_an_id_that_nobody_gave_out(plane: Plane) -> None:
    """404 to who asks for its status; no state can belong to it."""
    where = f"{UPLOADS}{uuid4()}"
    assert_refused(plane.get(where), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_refused(plane.request("PATCH", f"{where}?{urlsplit(start(plane)).query}"), 404, "BLOB_UPLOAD_INVALID")


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_a_state_that_is_missing_damaged_or_anothers(plane: Plane, method: str) -> None:
    """404 BLOB_UPLOAD_INVALID, as the reference; the upload stays."""
    where = start(plane)
    path, _, query = where.partition("?")
    for bad in ("", "_state=", "_state=AAAA", query[:-8] + "AAAAAAA%3D", urlsplit(start(plane)).query):
        assert_refused(plane.request(method, f"{path}?{bad}", body=b"x"), 404, "BLOB_UPLOAD_INVALID")
    other = path.replace("library/app", "other/app")
    assert_refused(plane.request(method, f"{other}?{query}", body=b"x"), 404, "BLOB_UPLOAD_INVALID")
    assert_stands(plane.request("GET", path), 204, 0)


@pytest.mark.parametrize("given", ["400-399", "399-999", "401-999", "0-399", "900-999"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_range_out_of_order(plane: Plane, given: str, method: str) -> None:
    """416 that tells where the upload stands and where it goes on; nothing was taken."""
    where = send(plane, CONTENT[:400])
    answer = plane.request(method, closing(where), body=CONTENT[400:], headers={"content-range": given})
    assert_stands(answer, 416, 400)
    assert_refused(answer, 416, "RANGE_INVALID")
    assert plane.request("PUT", closing(target(answer)), body=CONTENT[400:]).status == 201
    assert_pushed(plane)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_old_location(plane: Plane, method: str) -> None:
    """A repeated chunk is 416 with the place to go on, not stored twice."""
    old = start(plane)
    assert_stands(plane.request("PATCH", old, body=CONTENT[:400]), 202, 400)
    answer = plane.request(method, closing(old), body=CONTENT[:400])
    assert_stands(answer, 416, 400)
    assert plane.request("PUT", closing(target(answer)), body=CONTENT[400:]).status == 201
    assert_pushed(plane)


@pytest.mark.parametrize("given", ["bytes", "0", "-5", "5-", "a-b", "0-399,400-999", "bytes 0-1 2", "0-" + "9" * 30])
def test_a_malformed_range(plane: Plane, given: str) -> None:
    """400 that quotes it; the upload stays."""
    where = start(plane)
    answer = plane.request("PATCH", where, body=CONTENT, headers={"content-range": given})
    assert_refused(answer, 400, "BLOB_UPLOAD_INVALID")
    assert given in answer.detail
    assert_stands(plane.request("GET", where), 204, 0)


def test_a_range_that_is_not_the_length(plane: Plane) -> None:
    """400 SIZE_INVALID, whether the length was promised or comes out in the end."""
    where = start(plane)
    headers = {"content-range": "0-99"}
    assert_refused(plane.request("PATCH", where, body=CONTENT, headers=headers), 400, "SIZE_INVALID")
    answer = plane.request("PATCH", where, body=CONTENT, headers=headers | CHUNKED)
    assert_refused(answer, 400, "SIZE_INVALID")
    assert_stands(plane.request("GET", where), 204, 0)


def test_a_patch_whose_type_has_parameters(plane: Plane) -> None:
    """They change nothing about bytes."""
    assert send(plane, CONTENT, **{"content-type": "Application/Octet-Stream; charset=binary"})


def test_a_patch_of_another_type(plane: Plane) -> None:
    """400 that names the right one."""
    answer = plane.request("PATCH", start(plane), body=b"a=b", headers={"content-type": "application/json"})
    assert_refused(answer, 400, "BLOB_UPLOAD_INVALID")
    assert "application/octet-stream" in answer.detail


@pytest.mark.parametrize(("digest", "hint"), [("", "digest missing"), ("x", "<algorithm>"), ("md5:0", "unsupported")])
def test_a_bad_digest_keeps_the_upload(plane: Plane, digest: str, hint: str) -> None:
    """400, and a PUT with the right one succeeds."""
    where = send(plane, CONTENT)
    answer = plane.request("PUT", closing(where, digest), content_length=0)
    assert_refused(answer, 400, "DIGEST_INVALID")
    assert hint in answer.detail
    assert plane.request("PUT", closing(where), content_length=0).status == 201
    assert_pushed(plane)


def test_a_digest_that_is_not_that_of_the_bytes(plane: Plane) -> None:
    """400, and nothing is left to be pushed by mistake."""
    where = send(plane, b"other bytes")
    answer = plane.request("PUT", closing(where), content_length=0)
    assert_refused(answer, 400, "DIGEST_INVALID")
    assert DIGEST in answer.detail
    assert str(digest_of(b"other bytes")) in answer.detail
    assert plane.get(BLOB).status == 404
    assert plane.request("GET", where).status == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_truncated_body_is_kept_to_go_on_from(plane: Plane, method: str) -> None:
    """Content-Length promised more: an error, and the status tells how far it came."""
    where = start(plane)
    answer = plane.request(method, closing(where), body=CONTENT[:400], content_length=len(CONTENT))
    assert_refused(answer, 400, "SIZE_INVALID")
    now = plane.request("GET", where)
    assert_stands(now, 204, 400)
    assert plane.request("PUT", closing(target(now)), body=CONTENT[400:]).status == 201
    assert_pushed(plane)


def test_a_low_disk_refuses_pushes_and_serves_pulls(plane: Plane, tmp_path: Path) -> None:
    """503 that says so and names the setting, for every step of a push."""
    where = send(plane, CONTENT)
    low = make_plane(tmp_path, hub__limits__free_bytes=1 << 60)
    for method, step in (("POST", UPLOADS), ("PATCH", where), ("PUT", closing(where))):
        answer = low.request(method, step, body=b"")
        assert_refused(answer, 503, "UNAVAILABLE")
        assert "hub.limits.free_bytes" in answer.detail
        assert answer.headers["retry-after"] == "60"
    plane.request("PUT", closing(where), content_length=0)
    assert low.get(BLOB).body == CONTENT


def test_a_full_storage(tmp_path: Path) -> None:
    """503 in the table's words; nothing half-written, and the upload stands where it stood."""
    driver = MemoryDriver(capacity=900)
    plane = make_plane(tmp_path, driver=driver, hub__limits__free_bytes=0)
    where = start(plane)
    headers = {"transfer-encoding": "chunked"}
    answer = plane.request("PATCH", where, body=CONTENT, headers=headers)
    assert_refused(answer, 503, "UNAVAILABLE")
    assert "insufficient storage" in answer.detail
    driver.capacity = None
    assert plane.request("PUT", closing(where), body=CONTENT).status == 201
    assert_pushed(plane)
