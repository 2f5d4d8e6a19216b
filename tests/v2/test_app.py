"""The frame of the data plane: what is routed where, and what becomes of errors."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from notifications.log.journal import JournalUnavailable
from registryhub.access.gate import HtpasswdGate
from registryhub.database.transactions import release_connection
from registryhub.oci.media_types import OCI_MANIFEST
from registryhub.storage.base import StorageFull
from tests.registry.stage import image_bytes, put
from tests.v2.plane import Plane, call, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

UPLOAD_ID = "01a20b6e-4411-733a-9be2-99871c36940e"


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    """An open registry with default settings."""
    return make_plane(tmp_path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_the_version_check_answers_any_method(plane: Plane, method: str) -> None:
    """200 and `{}`, as clients probe for the API."""
    answer = plane.request(method, "/v2/")
    assert (answer.status, answer.headers["content-length"]) == (200, "2")
    assert answer.body == (b"" if method == "HEAD" else b"{}")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("target", ["/v2/", "/v2", "/v2/nothing", "/v2/team/app/manifests/none", "/v2/%FF"])
def test_every_answer_tells_the_api_version_and_is_inert_in_a_browser(plane: Plane, target: str) -> None:
    """Found or not, routed or not."""
    headers = plane.get(target).headers
    assert headers["docker-distribution-api-version"] == "registry/2.0"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"


def test_configured_headers_are_on_routed_answers_only(tmp_path: Path) -> None:
    """`http.headers`; what it sets is not sent twice."""
    headers = {"X-Where": ("here", "there"), "X-Content-Type-Options": ("nosniff",)}
    plane = make_plane(tmp_path, http__headers=headers)
    routed, refused, unrouted = plane.get("/v2/"), plane.get("/v2/a/manifests/b"), plane.get("/v2/nothing")
    assert routed.headers["x-where"] == refused.headers["x-where"] == "here,there"
    assert routed.headers["x-content-type-options"] == "nosniff"
    assert "x-where" not in unrouted.headers


@pytest.mark.parametrize(
    "target",
    [
        "/v2/x",
        "/v2/UPPER/manifests/a",
        "/v2/a___b/manifests/a",
        "/v2/a/manifests/.hidden",
        "/v2/a/manifests/" + "t" * 129,
        "/v2/a/blobs/nodigest",
        "/v2/a/manifests/a%0A",
        "/v2/a%00b/tags/list",
        "/v2/a/referrers/",
        "/v3/",
    ],
)
def test_what_is_no_route_is_a_plain_404(plane: Plane, target: str) -> None:
    """As Go's router says it; without authentication."""
    answer = plane.get(target)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/v2", "/v2/"),
        ("/v2?n=1", "/v2/?n=1"),
        ("/v2/_catalog/?n=1", "/v2/_catalog?n=1"),
        ("/v2/team/app/tags/list/", "/v2/team/app/tags/list"),
        ("/v2/team/app/blobs/uploads", "/v2/team/app/blobs/uploads/"),
        ("/v2//team/app/tags/list", "/v2/team/app/tags/list"),
        ("/v2/team/../app/./tags/list?n=1&last=a%20b", "/v2/app/tags/list?n=1&last=a%20b"),
        ("//v2/", "/v2/"),
        ("/v2//caf%C3%A9/%FF", "/v2/caf%C3%A9/%FF"),
        ("/v2/..//evil.example/%20", "/evil.example/%20"),
    ],
)
def test_unclean_paths_are_redirected(plane: Plane, target: str, location: str) -> None:
    """301 for those who only read, query kept; never to another host."""
    answer = plane.get(target)
    assert (answer.status, answer.headers["location"]) == (301, location)


def test_a_redirect_never_loses_a_body(plane: Plane) -> None:
    """A slash too few is forgiven at once; an unclean path is answered with a redirect that keeps the method."""
    assert plane.request("POST", "/v2/team/app/blobs/uploads").status == 202
    answer = plane.request("POST", "/v2//team/app/blobs/uploads/")
    assert (answer.status, answer.headers["location"]) == (308, "/v2/team/app/blobs/uploads/")


def test_a_wrong_method_is_told_the_right_ones(plane: Plane) -> None:
    """405 with a sorted Allow; OPTIONS asks for just that."""
    for target, allow in (
        ("/v2/team/app/manifests/v1", "DELETE, GET, HEAD, PUT"),
        ("/v2/team/app/blobs/" + "sha256:" + "0" * 64, "DELETE, GET, HEAD"),
        ("/v2/team/app/tags/list", "GET, HEAD"),
        ("/v2/_catalog", "GET, HEAD"),
    ):
        refused, asked = plane.request("PATCH", target), plane.request("OPTIONS", target)
        assert (refused.status, refused.headers["allow"], asked.status) == (405, allow, 200)
        assert refused.headers["content-type"].startswith("text/plain")
        assert asked.headers["allow"] == allow


@pytest.mark.parametrize(
    "target",
    ["/v2/", "/v2/_catalog?n=1", "/v2/team/app/tags/list?n=1", "/v2/team/app/tags/list?n=x", "/v2/none/tags/list"],
)
def test_a_head_says_what_a_get_would(plane: Plane, target: str) -> None:
    """The same status and headers, its length too, without the body."""
    for tag in ("v1", "v2"):
        put("team/app", image_bytes("team/app", "one"), tag=tag)
    put("team/other", image_bytes("team/other", "one"), tag="v1")
    head, get = plane.request("HEAD", target), plane.get(target)
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert int(head.headers["content-length"]) == len(get.body) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_registry_that_is_only_read(tmp_path: Path, plane: Plane, method: str) -> None:
    """Whatever would change it is a wrong method, as the reference says it; pulls go on."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    frozen = make_plane(tmp_path, storage__maintenance__readonly__enabled=True)
    for rest in (
        "manifests/v1",
        f"manifests/{digest}",
        f"blobs/{digest}",
        "blobs/uploads/",
        "blobs/uploads",
        "tags/list",
    ):
        answer = frozen.request(method, f"/v2/team/app/{rest}", body=b"x")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.headers["content-type"].startswith("text/plain")
    assert frozen.request(method, f"/v2/team/app/blobs/uploads/{UPLOAD_ID}").headers["allow"] == "GET, HEAD"
    for target in ("/v2/team/app/manifests/v1", "/v2/team/app/tags/list", "/v2/_catalog", "/v2/"):
        assert frozen.get(target, accept="*/*").status == frozen.request("HEAD", target).status == 200
    assert plane.get("/v2/team/app/manifests/v1").status == 200


def test_who_may_not_write_can_send_to_the_end(tmp_path: Path) -> None:
    """A refused method is heard, too, by a client in the middle of its body."""
    frozen = make_plane(tmp_path, storage__maintenance__readonly__enabled=True)
    body = io.BytesIO(b"x" * 5_000_000)
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/v2/a/manifests/b", "wsgi.input": body}
    assert call(frozen.app, environ).status == 405
    assert body.tell() == 5_000_000


@pytest.mark.parametrize("name", ["a" * 256, "/".join(["abc"] * 80), "localhost:5000/app", "[::1]:5000/app"])
@pytest.mark.parametrize("rest", ["manifests/v1", "tags/list", "blobs/uploads/x"])
def test_names_that_no_folder_can_have_are_refused(plane: Plane, name: str, rest: str) -> None:
    """400 NAME_INVALID in one JSON document, where the reference answers 500."""
    answer = plane.get(f"/v2/{name}/{rest}")
    assert (answer.status, answer.code) == (400, "NAME_INVALID")


def test_a_name_of_255_characters_is_fine(plane: Plane) -> None:
    """The limit is the reference's."""
    assert plane.get(f"/v2/{'a' * 255}/manifests/v1").code == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize(
    "reference", ["a:b", "sha256:ab", f"sha256:{'A' * 64}", "md5:d41d8cd98f00b204e9800998ecf8427e"]
)
@pytest.mark.parametrize("kind", ["manifests", "blobs"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_looks_like_a_digest_and_is_none_is_refused(plane: Plane, kind: str, reference: str, method: str) -> None:
    """400 DIGEST_INVALID, never 500."""
    answer = plane.request(method, f"/v2/team/app/{kind}/{reference}")
    assert answer.status == 400
    assert method == "HEAD" or answer.code == "DIGEST_INVALID"


def test_uploads_without_an_id_are_unknown(plane: Plane) -> None:
    """All but POST (reference B.4)."""
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = plane.request(method, "/v2/team/app/blobs/uploads/")
        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_refused_client_can_send_to_the_end(plane: Plane, tmp_path: Path) -> None:
    """Else it sees a broken pipe and not the answer; but not what is endless, nor those who have proven nothing."""
    limited = make_plane(tmp_path, hub__limits__manifest_bytes=100)
    shut = make_plane(tmp_path, gate=HtpasswdGate("Hub", tmp_path / "missing"))

    def unread(plane: Plane, size: int, **headers: str) -> int:
        body = io.BytesIO(b"x" * size)
        environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/v2/a/manifests/b", "wsgi.input": body, **headers}
        environ["CONTENT_TYPE"] = OCI_MANIFEST
        assert call(plane.app, environ).status in (401, 413)
        return size - body.tell()

    assert unread(limited, 5_000_000) == 0
    assert unread(limited, 100_000_000) > 10_000_000
    assert unread(limited, 5_000_000, CONTENT_LENGTH="5000000000") == 5_000_000
    assert unread(limited, 5_000_000, CONTENT_LENGTH="5000000", HTTP_EXPECT="100-continue") == 5_000_000
    assert unread(shut, 5_000_000) == 5_000_000


@pytest.mark.parametrize("prefix", ["/", "/registry/", "/a.b/c/"])
def test_the_prefix_moves_everything(tmp_path: Path, prefix: str) -> None:
    """And nothing is left at the old place."""
    plane = make_plane(tmp_path, http__prefix=prefix)
    assert plane.get(f"{prefix}v2/").status == 200
    assert plane.get(f"{prefix}v2/team/app/manifests/v1").code == "MANIFEST_UNKNOWN"
    assert plane.get(f"{prefix}v2").headers["location"] == f"{prefix}v2/"
    if prefix != "/":
        assert plane.get("/v2/").status == plane.get("/aXb/c/v2/").status == 404


@pytest.fixture
def failing(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the finding of manifests fail with an error."""

    def fail_with(error: Exception) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr("registryhub.registry.manifests.find", fail)

    yield fail_with
    monkeypatch.undo()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection unexpectedly"),
        InterfaceError("connection already closed"),
        JournalUnavailable("disk full"),
        StorageFull("disk full"),
        OSError(28, "No space left on device"),
    ],
)
def test_what_passes_by_itself_is_503(plane: Plane, failing: Any, error: Exception) -> None:
    """With Retry-After, and no word of what went wrong inside."""
    failing(error)
    answer = plane.get("/v2/team/app/manifests/v1")
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    assert str(error) not in answer.body.decode()


def test_anything_else_is_500_and_logged(plane: Plane, failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets an id to quote; the traceback stays here, under that id."""
    failing(ZeroDivisionError("secret path /x/y"))
    with caplog.at_level(logging.ERROR):
        answer = plane.get("/v2/team/app/manifests/v1")
    assert (answer.status, answer.code, answer.json["errors"][0]["message"]) == (500, "UNKNOWN", "unknown error")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    (record,) = caplog.records
    assert record.exc_info
    assert answer.detail.rpartition(" ")[2].rstrip(")") in record.getMessage()


@pytest.mark.only_database("postgres")
def test_a_connection_lost_in_the_middle_costs_one_answer(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, nothing is stored, and the next request of the thread finds a fresh connection."""
    content = image_bytes("team/app", "one")

    def lose(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def push() -> int:
        return plane.request(
            "PUT", "/v2/team/app/manifests/v1", headers={"Content-Type": OCI_MANIFEST}, body=content
        ).status

    with monkeypatch.context() as patch:
        patch.setattr("registryhub.registry.announce.intake.store", lose)
        assert push() == 503
    assert plane.get("/v2/team/app/manifests/v1").status == 404
    assert push() == 201


@pytest.mark.only_database("postgres")
def test_a_database_that_restarted_is_not_noticed(plane: Plane) -> None:
    """Connections that died in the pool are seen before they are used."""
    put("team/app", image_bytes("team/app", "one"), tag="v1")
    headers = {"accept": "*/*"}
    assert plane.get("/v2/team/app/manifests/v1", **headers).status == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    release_connection()
    for _ in range(20):
        assert plane.get("/v2/team/app/manifests/v1", **headers).status == 200


def test_no_connection_is_held_after_a_request(plane: Plane) -> None:
    """On PostgreSQL it is back in the pool, whether the request went well or not."""
    put("team/app", image_bytes("team/app", "one"), tag="v1")
    for target in ("/v2/team/app/manifests/v1", "/v2/team/app/manifests/none", "/v2/_catalog", "/v2/nothing"):
        plane.get(target)
        plane.request("DELETE", target)
        if connection.vendor == "postgresql":
            assert connection.connection is None
