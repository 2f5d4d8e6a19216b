"""The wire of blobs (reference B.8)."""

import socket
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import pytest

from notifications.log.journal import JournalUnavailable
from registryhub.oci.digests import digest_of
from registryhub.registry.announce import RequestContext
from registryhub.registry.room import Store
from registryhub.registry.uploads import store_blob
from registryhub.storage import paths
from registryhub.storage.base import CHUNK_BYTES
from registryhub.storage.memory import MemoryDriver, MemoryReader
from registryhub.v2.blobs import LARGE_BYTES
from tests.registry.journals import JournalReader
from tests.registry.stage import CONTEXT, stored_events
from tests.registry.stores import body
from tests.v2.plane import Answer, Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "library/app"
CONTENT = bytes(range(250)) * 4
DIGEST = digest_of(CONTENT)
BLOB = f"/v2/{NAME}/blobs/{DIGEST}"


@pytest.fixture
def driver() -> MemoryDriver:
    return MemoryDriver()


@pytest.fixture
def plane(tmp_path: Path, driver: MemoryDriver) -> Plane:
    """A registry whose `library/app` has one blob."""
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(CONTENT), DIGEST)
    return make_plane(tmp_path, driver=driver)


def test_a_blob_is_read_with_everything_a_client_may_want_to_know(plane: Plane, journal: JournalReader) -> None:
    """200 with the reference's headers, and one pull."""
    answer = plane.get(BLOB)
    assert (answer.status, answer.body) == (200, CONTENT)
    expected = {
        "content-type": "application/octet-stream",
        "content-length": str(len(CONTENT)),
        "docker-content-digest": str(DIGEST),
        "etag": f'"{DIGEST}"',
        "cache-control": "max-age=31536000",
        "accept-ranges": "bytes",
    }
    assert answer.headers.items() >= expected.items()
    (event,) = journal.events()
    assert (event.action, event.method, event.digest, event.size) == ("pull", "GET", str(DIGEST), len(CONTENT))


def test_a_head_says_what_a_get_would(plane: Plane, journal: JournalReader) -> None:
    """The same headers without the body; a check, no pull."""
    head, get = plane.request("HEAD", BLOB), plane.get(BLOB)
    assert (head.status, head.body) == (200, b"")
    assert head.headers == get.headers
    assert [event.action for event in journal.events()] == ["check", "pull"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-10", 990, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=0-", 0, 999),
        ("bytes= 1-2 ", 1, 2),
    ],
)
def test_a_part_of_a_blob(plane: Plane, journal: JournalReader, asked: str, first: int, last: int) -> None:
    """206 with the bytes asked for, and one pull."""
    answer = plane.get(BLOB, range=asked)
    assert (answer.status, answer.body) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert [event.action for event in journal.events()] == ["pull"]


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1001", "bytes=-0"])
def test_a_part_that_is_not_there(plane: Plane, journal: JournalReader, asked: str) -> None:
    """416 that tells the size; no pull."""
    answer = plane.get(BLOB, range=asked)
    assert (answer.status, answer.code) == (416, "RANGE_INVALID")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert journal.events() == []


@pytest.mark.parametrize(
    "asked", ["bytes=0-5,5-6", "bytes=5-1", "bytes=-", "bytes=a-b", "lines=1-2", "0-5", "bytes=" + "9" * 30 + "-"]
)
def test_a_range_that_cannot_be_served_is_ignored(plane: Plane, asked: str) -> None:
    """Ranges that overlap, other units and nonsense get the whole, as RFC 9110 allows."""
    answer = plane.get(BLOB, range=asked)
    assert (answer.status, answer.body) == (200, CONTENT)


def parts_of(answer: Answer) -> list[tuple[str, bytes]]:
    """Content-Range and bytes of each part of a multipart answer, read by the standard library."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.body)
    assert (message.get_content_type(), message.defects) == ("multipart/byteranges", [])
    parts = list(message.iter_parts())
    assert {part.get_content_type() for part in parts} == {"application/octet-stream"}
    return [(part["Content-Range"], part.get_content()) for part in parts]


def test_several_parts_of_a_blob(plane: Plane, journal: JournalReader) -> None:
    """206 in the order asked for, without those that are not there; one pull."""
    answer = plane.get(BLOB, range="bytes=-3,0-1,5000-,100-102")
    assert answer.status == 206
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "content-range" not in answer.headers
    assert parts_of(answer) == [
        ("bytes 997-999/1000", CONTENT[997:]),
        ("bytes 0-1/1000", CONTENT[:2]),
        ("bytes 100-102/1000", CONTENT[100:103]),
    ]
    assert [event.action for event in journal.events()] == ["pull"]


def test_of_several_parts_one_is_there(plane: Plane) -> None:
    """Then it comes alone, as if only it had been asked for."""
    answer = plane.get(BLOB, range="bytes=2000-,5-9")
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, CONTENT[5:10], "bytes 5-9/1000")


def test_large_parts_stream(plane: Plane, driver: MemoryDriver, tmp_path: Path) -> None:
    """Each of more than one chunk, with the length that was announced."""
    content = bytes(range(256)) * (CHUNK_BYTES // 64)
    digest = digest_of(content)
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(content), digest)
    middle = 2 * CHUNK_BYTES + 5
    answer = plane.get(f"/v2/{NAME}/blobs/{digest}", range=f"bytes=0-{middle},{middle + 1}-")
    assert answer.headers["content-length"] == str(len(answer.body))
    assert [part for _, part in parts_of(answer)] == [content[: middle + 1], content[middle + 1 :]]


def test_a_head_has_no_parts(plane: Plane) -> None:
    """A range says something about a GET only."""
    for asked in ("bytes=0-1", "bytes=0-1,5-6", "bytes=5000-"):
        answer = plane.request("HEAD", BLOB, headers={"range": asked})
        assert (answer.status, answer.headers["content-length"]) == (200, str(len(CONTENT)))


@pytest.mark.parametrize(
    ("condition", "status"),
    [(f'"{DIGEST}"', 206), ('"other"', 200), (f'W/"{DIGEST}"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)],
)
@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=0-9,20-29"])
def test_if_range(plane: Plane, condition: str, status: int, asked: str) -> None:
    """The part only if it is still the same blob, else the whole; a blob has no date."""
    answer = plane.get(BLOB, range=asked, if_range=condition)
    assert answer.status == status
    assert "last-modified" not in answer.headers


@pytest.mark.parametrize(("condition", "status"), [('"other"', 412), (f'W/"{DIGEST}"', 412), (f'"x", "{DIGEST}"', 200)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_match(plane: Plane, journal: JournalReader, method: str, condition: str, status: int) -> None:
    """412 for who means another blob: nothing was read, so there is no event."""
    answer = plane.request(method, BLOB, headers={"if-match": condition})
    assert answer.status == status
    assert len(journal.events()) == (status == 200)
    if status == 412:
        assert (answer.body, answer.headers["content-length"], answer.headers["etag"]) == (b"", "0", f'"{DIGEST}"')


@pytest.mark.parametrize("condition", [f'"{DIGEST}"', str(DIGEST), f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(plane: Plane, journal: JournalReader, method: str, condition: str) -> None:
    """304 for who has it already: a check."""
    answer = plane.request(method, BLOB, headers={"if-none-match": condition, "range": "bytes=0-9"})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == f'"{DIGEST}"'
    assert [event.action for event in journal.events()] == ["check"]
    assert plane.request(method, BLOB, headers={"if-none-match": '"other"'}).status == 200


def test_an_empty_blob(plane: Plane, driver: MemoryDriver, tmp_path: Path) -> None:
    """It has no parts, and a client that always asks for one gets it all the same."""
    empty = digest_of(b"")
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(b""), empty)
    for headers in ({}, {"range": "bytes=0-"}, {"range": "bytes=-5"}):
        answer = plane.get(f"/v2/{NAME}/blobs/{empty}", **headers)
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_blob_that_the_repository_does_not_have(plane: Plane, journal: JournalReader, method: str) -> None:
    """404, also when another repository has it; no event."""
    for where in (f"/v2/other/app/blobs/{DIGEST}", f"/v2/{NAME}/blobs/{digest_of(b'unknown')}"):
        answer = plane.request(method, where)
        assert answer.status == 404
        if method != "HEAD":
            assert (answer.code, answer.detail) == ("BLOB_UNKNOWN", where.rpartition("/")[2])
    assert journal.events() == []


@pytest.mark.parametrize("digest", ["sha256:abc", "sha256:" + "G" * 64, "md5:" + "a" * 32])
def test_a_digest_that_is_none(plane: Plane, digest: str) -> None:
    """400 that says what is wrong."""
    answer = plane.get(f"/v2/{NAME}/blobs/{digest}")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


def test_a_blob_whose_bytes_are_lost(plane: Plane, driver: MemoryDriver, journal: JournalReader) -> None:
    """404 to GET and HEAD alike, so that the next push sends it again; no event."""
    driver.delete(paths.blob_folder(DIGEST.algorithm, DIGEST.hex))
    assert plane.get(BLOB).code == "BLOB_UNKNOWN"
    assert plane.request("HEAD", BLOB).status == 404
    assert journal.events() == []


def test_a_large_blob_streams(plane: Plane, driver: MemoryDriver, tmp_path: Path, journal: JournalReader) -> None:
    """It leaves in chunks and arrives whole, from any place on."""
    content = bytes(range(256)) * (CHUNK_BYTES // 100)
    digest = digest_of(content)
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(content), digest)
    assert plane.get(f"/v2/{NAME}/blobs/{digest}").body == content
    answer = plane.get(f"/v2/{NAME}/blobs/{digest}", range=f"bytes=7-{len(content) - 7}")
    assert (answer.status, answer.body) == (206, content[7:-6])
    assert len(journal.events()) == 2


@pytest.mark.parametrize(("size", "is_shortened"), [(LARGE_BYTES, True), (LARGE_BYTES - 1, False)])
def test_the_buffer_of_a_near_client_is_shortened_for_a_large_blob(
    driver: MemoryDriver, tmp_path: Path, size: int, is_shortened: bool
) -> None:
    content = bytes(size)
    digest = digest_of(content)
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(content), digest)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        plane = make_plane(tmp_path, driver=driver, http__addr=f"127.0.0.1:{port}")
        with socket.create_connection(("127.0.0.1", port), timeout=10), listener.accept()[0] as connection:
            before = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            assert plane.get(f"/v2/{NAME}/blobs/{digest}").body == content
            after = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert (after < before) == is_shortened


class Broken(MemoryReader):
    """A disk that fails at the first read."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        raise OSError(5, "Input/output error")
        yield b""

    def close(self) -> None:
        Broken.closed += 1


@pytest.mark.parametrize("size", [10, CHUNK_BYTES])
def test_a_pull_whose_first_byte_cannot_be_read_is_none(
    plane: Plane,
    driver: MemoryDriver,
    tmp_path: Path,
    journal: JournalReader,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    """500, no event, and the file is closed."""
    content = b"x" * size
    digest = digest_of(content)
    store_blob(Store(driver, tmp_path, 0), CONTEXT, NAME, body(content), digest)
    monkeypatch.setattr(driver, "open_reader", lambda *_, **__: Broken(content, 0, None))
    for asked, count in (("", 1), ("bytes=0-1,3-4", 2)):
        before = Broken.closed
        answer = plane.get(f"/v2/{NAME}/blobs/{digest}", range=asked)
        assert (answer.status, answer.code) == (500, "UNKNOWN")
        assert journal.events() == []
        assert Broken.closed >= before + count


def test_a_pull_that_cannot_be_counted_is_not_answered(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while the journal takes nothing, for GET and HEAD."""

    def refuse(context: RequestContext, repository: str, digest: str, size: int) -> None:
        raise JournalUnavailable("disk full")

    closed: list[MemoryReader] = []
    monkeypatch.setattr(MemoryReader, "close", lambda reader: closed.append(reader))
    monkeypatch.setattr("registryhub.registry.announce.blob_pulled", refuse)
    monkeypatch.setattr("registryhub.registry.announce.blob_checked", refuse)
    assert plane.get(BLOB).status == 503
    assert plane.request("HEAD", BLOB).status == 503
    assert plane.get(BLOB, range="bytes=0-1,3-4").status == 503
    assert len(closed) == 3


def test_a_deleted_blob_is_gone_here_only(plane: Plane) -> None:
    """202 with a delete event; a second time 404."""
    answer = plane.request("DELETE", BLOB)
    assert (answer.status, answer.headers["content-length"]) == (202, "0")
    event = stored_events()[-1]
    assert (event.action, event.repository, event.digest) == ("delete", NAME, str(DIGEST))
    assert plane.get(BLOB).status == 404
    assert plane.request("DELETE", BLOB).code == "BLOB_UNKNOWN"


def test_deleting_must_be_allowed(tmp_path: Path, driver: MemoryDriver, plane: Plane) -> None:
    """405 UNSUPPORTED that names the setting."""
    closed = make_plane(tmp_path, driver=driver, storage__delete__enabled=False)
    answer = closed.request("DELETE", BLOB)
    assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    assert "storage.delete.enabled" in answer.detail
    assert closed.get(BLOB).status == 200


def test_a_get_with_a_body_is_a_get(plane: Plane) -> None:
    """Nobody reads it."""
    assert plane.request("GET", BLOB, body=b"ignored").body == CONTENT
