"""Lines of logs, as nginx, Apache and registries write them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.analytics.classify import is_manifest
from notifications.events import Event, parse
from notifications.log.readers import ReadEvent, Unreadable
from notifications.receiver.logs.formats import Log, detect, origin_of, read_line

pytestmark = pytest.mark.only_database("sqlite")

DIGEST = f"sha256:{'a' * 64}"
ACCESS = Log("combined", origin_of(b"first"))
OWN = Log("registry", origin_of(b"first"))
GET = b'192.0.2.7 - - [25/Nov/2026:01:42:01 +0000] "GET /v2/app/web/manifests/latest HTTP/1.1" 200 246 "-" "docker/24"'


def access(
    request: str, status: int = 200, *, size: str = "246", agent: str = "docker/24", who: str = "192.0.2.7 - -"
) -> bytes:
    moment = "25/Nov/2026:01:42:01 +0100"
    return f'{who} [{moment}] "{request}" {status} {size} "https://example.org/\\x22" "{agent}"'.encode()


def read(line: bytes, log: Log = ACCESS) -> Event:
    reading = read_line(log, 1, line)
    assert isinstance(reading, ReadEvent), reading
    assert parse(reading.raw) == reading.event
    return reading.event


def test_a_line_of_nginx_is_an_event() -> None:
    """With all that it says, and nothing that it does not."""
    line = access("GET /v2/app/web/manifests/v1?ns=docker.io HTTP/1.1", who="2001:db8::1 - eve")
    event = read(line)
    assert (event.action, event.repository, event.tag, event.digest, event.media_type, event.size) == (
        "pull",
        "app/web",
        "v1",
        "",
        "",
        246,
    )
    assert (event.address, event.actor, event.method, event.user_agent) == ("2001:db8::1", "eve", "GET", "docker/24")
    assert event.timestamp == datetime(2026, 11, 25, 0, 42, 1, tzinfo=UTC)
    reading = read_line(ACCESS, 1, line)
    assert isinstance(reading, ReadEvent)
    assert json.loads(reading.raw)["original"] == {"format": "combined", "line": line.decode()}


@pytest.mark.parametrize(
    ("request_", "status", "action"),
    [
        ("GET /v2/a/manifests/v1 HTTP/1.1", 200, "pull"),
        ("GET /v2/a/manifests/v1 HTTP/1.1", 304, "check"),
        ("HEAD /v2/a/manifests/v1 HTTP/2.0", 200, "check"),
        ("PUT /v2/a/manifests/v1 HTTP/1.1", 201, "push"),
        ("DELETE /v2/a/manifests/v1 HTTP/1.1", 202, "delete"),
        (f"GET /v2/a/blobs/{DIGEST} HTTP/1.1", 200, "pull"),
        (f"GET /v2/a/blobs/{DIGEST} HTTP/1.1", 206, "pull"),
        (f"GET /v2/a/blobs/{DIGEST} HTTP/1.1", 307, "pull"),
        (f"GET /v2/a/blobs/{DIGEST} HTTP/1.1", 304, "check"),
        ("GET http://registry:5000/v2/a/manifests/v1 HTTP/1.1", 200, "pull"),
        ("GET /v2/a/blobs/blobs/manifests/v1 HTTP/1.1", 200, "pull"),
        ("GET /v2/a/manifests/sha256%3Aabc HTTP/1.1", 200, "pull"),
    ],
)
def test_what_was_answered_says_what_was_done(request_: str, status: int, action: str) -> None:
    """Method, path and status together."""
    event = read(access(request_, status))
    assert event.action == action
    assert is_manifest(event.media_type, event.tag) == ("/manifests/" in request_)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /v2/ HTTP/1.1", 200),
        ("GET /v2/a/manifests/v1 HTTP/1.1", 404),
        ("GET /v2/a/manifests/v1 HTTP/1.1", 401),
        (f"GET /v2/a/blobs/{DIGEST} HTTP/1.1", 416),
        ("GET /v2/a/tags/list HTTP/1.1", 200),
        ("POST /v2/a/blobs/uploads/ HTTP/1.1", 202),
        (f"PUT /v2/a/blobs/uploads/1-2?digest={DIGEST} HTTP/1.1", 201),
        ("GET /index.html HTTP/1.1", 200),
        ("GET /other/v2/a/manifests/v1 HTTP/1.1", 200),
        ("\\x16\\x03\\x01\\x02", 400),
        ("", 400),
        ("-", 408),
    ],
)
def test_what_is_of_no_image_is_skipped(request_: str, status: int) -> None:
    """Refused, not found, listings, uploads, and what scanners send."""
    assert read_line(ACCESS, 1, access(request_, status)) is None


def test_a_registry_that_a_proxy_has_moved_is_found_by_its_prefix() -> None:
    """Of its log, that is; elsewhere the path begins as usual."""
    moved = Log("combined", "", "/registry/v2/")
    assert read(access("GET /registry/v2/app/web/manifests/v1 HTTP/1.1"), moved).repository == "app/web"
    assert read_line(moved, 1, GET) is None


def test_digests_and_tags_are_told_apart() -> None:
    """By the colon; and a manifest of unknown type is no blob."""
    event = read(access(f"GET /v2/app/web/manifests/{DIGEST} HTTP/1.1"))
    assert (event.tag, event.digest) == ("", DIGEST)
    assert is_manifest(event.media_type, event.tag)
    blob = read(access(f"GET /v2/app/web/blobs/{DIGEST} HTTP/1.1"))
    assert (blob.tag, blob.digest, blob.media_type) == ("", DIGEST, "application/octet-stream")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\x22b\x22", 'a"b"'),
        (r"a\"b\\c", r'a"b\c'),
        (r"caf\xC3\xA9", "café"),
        ("café", "café"),
        (r"caf\u00e9\t", "café\t"),
        (r"\xFF", "\ufffd"),
        (r"\U0011FFFF\ud800", "\U0010ffff?"),
        ("-", ""),
        ("", ""),
    ],
)
def test_quotes_and_other_letters_in_a_user_agent(written: str, meant: str) -> None:
    """As nginx and as Go writes them."""
    assert read(access("GET /v2/a/manifests/v1 HTTP/1.1", agent=written)).user_agent == meant


def test_what_operators_add_to_a_line_is_left_alone() -> None:
    """Times, hosts, forwarded addresses."""
    assert read(GET + b' "203.0.113.9" 0.004 upstream').user_agent == "docker/24"
    assert read(access("GET /v2/a/manifests/v1", size="-")).size == 0


FIELDS: dict[str, Any] = {
    "time": "2026-11-25T01:42:01.587922076Z",
    "level": "info",
    "msg": "response completed",
    "go.version": "go1.19.8",
    "http.request.host": "registry:5000",
    "http.request.id": "4883d67a-f845-42cc-872d-2c0b4636789b",
    "http.request.method": "GET",
    "http.request.remoteaddr": "[2001:db8::1]:55580",
    "http.request.uri": "/v2/app/web/manifests/latest",
    "http.request.useragent": 'a"b\\c',
    "http.response.contenttype": "application/vnd.oci.image.index.v1+json",
    "http.response.duration": "2.184106ms",
    "http.response.status": 200,
    "http.response.written": 246,
}


def own(is_json: bool, **changes: Any) -> bytes:
    fields = FIELDS | {name.replace("__", "."): value for name, value in changes.items()}
    if is_json:
        return json.dumps(fields).encode()
    return " ".join(
        f"{name}={value if isinstance(value, int) or value.isalnum() else json.dumps(value)}"
        for name, value in fields.items()
    ).encode()


@pytest.mark.parametrize("is_json", [False, True])
def test_the_log_of_a_registry_tells_more(is_json: bool) -> None:
    """The media type, the id of the request, the port of the client, and a fraction of the second."""
    event = read(own(is_json), OWN)
    assert (event.action, event.repository, event.tag) == ("pull", "app/web", "latest")
    assert event.media_type == "application/vnd.oci.image.index.v1+json"
    assert (event.address, event.host, event.user_agent) == ("[2001:db8::1]:55580", "registry:5000", 'a"b\\c')
    assert event.id == "request 4883d67a-f845-42cc-872d-2c0b4636789b"
    assert event.timestamp == datetime(2026, 11, 25, 1, 42, 1, 587922, tzinfo=UTC)
    push = own(is_json, http__request__method="PUT", http__response__status=201, http__request__contenttype="x/y")
    assert (read(push, OWN).action, read(push, OWN).media_type) == ("push", "x/y")


@pytest.mark.parametrize("is_json", [False, True])
def test_what_else_a_registry_logs_is_skipped(is_json: bool) -> None:
    """Starts, warnings, errors, and what came of requests for other things."""
    assert read_line(OWN, 1, own(is_json, msg="redis not configured")) is None
    assert read_line(OWN, 1, own(is_json, msg="response completed with error")) is None
    assert read_line(OWN, 1, own(is_json, http__request__uri="/v2/")) is None
    assert read_line(OWN, 1, own(is_json, http__response__status="many")) is None


def test_of_two_logs_in_one_file_one_is_read() -> None:
    """A registry prints both: each request would be counted twice."""
    assert read_line(OWN, 1, GET) is None
    assert read_line(ACCESS, 1, own(False)) is None
    assert read_line(ACCESS, 1, own(True)) is None


@pytest.mark.parametrize(
    ("lines", "format_"),
    [
        ([b"noise", GET], "combined"),
        ([GET, own(False)], "registry"),
        ([own(True, msg="listening"), own(True)], "registry"),
        ([own(False, msg="listening"), GET], "combined"),
        ([b'{"events": []}'], "events"),
        ([b'{"id": "x", "action": "pull"}'], "events"),
        ([], "events"),
        ([b"\xff\x00"], "events"),
    ],
)
def test_a_file_is_what_it_looks_like(lines: list[bytes], format_: str) -> None:
    """Its own log has more to tell than the access log in it."""
    assert detect(lines) == format_


def test_the_same_line_again_is_another_event() -> None:
    """Two pulls in one second look alike; the number of the line tells them apart, and the first line other files."""
    found = [
        read_line(log, number, line)
        for log, number, line in [
            (ACCESS, 1, GET),
            (ACCESS, 2, GET),
            (Log("combined", origin_of(b"other")), 1, GET),
            (ACCESS, 1, GET + b" "),
        ]
    ]
    assert len({reading.event.id for reading in found if isinstance(reading, ReadEvent)}) == 4
    assert read_line(ACCESS, 1, GET) == found[0]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        GET[:60],
        GET.replace(b"Nov", b"Foo"),
        GET.replace(b"200 246", b"two 246"),
        GET.replace(b"25/Nov", b"35/Nov"),
        GET.replace(b"app/web", b"a" * 300),
        GET.replace(b"docker/24", b"a\\x00b"),
    ],
)
def test_broken_lines_are_told_with_the_reason(line: bytes) -> None:
    """Cut off, another format, a day that is none."""
    reading = read_line(ACCESS, 1, line)
    assert isinstance(reading, Unreadable)
    assert reading.reason


@pytest.mark.parametrize("line", [b"time=", b"{", b'{"msg": 5', b'{"a": 1}', b"panic: oh"])
def test_broken_lines_of_a_registry_too(line: bytes) -> None:
    """What is no line of its log."""
    assert isinstance(read_line(OWN, 1, line), Unreadable)


@settings(deadline=None)
@given(st.sampled_from([GET, own(False), own(True)]), st.data())
def test_whatever_is_in_a_line_nothing_is_raised(line: bytes, data: st.DataObject) -> None:
    """Pieces of it replaced by anything."""
    start = data.draw(st.integers(0, len(line)))
    spoiled = line[:start] + data.draw(st.binary(max_size=8)) + line[start + data.draw(st.integers(0, 9)) :]
    for log in (ACCESS, OWN):
        reading = read_line(log, 1, spoiled)
        assert read_line(log, 1, spoiled) == reading
        if isinstance(reading, ReadEvent):
            assert parse(reading.raw) == reading.event
    detect([spoiled])
