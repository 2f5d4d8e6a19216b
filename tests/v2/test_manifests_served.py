"""Manifests through the real server: bodies without a length, headers that come several times."""

import http.client
import json
from collections.abc import Callable, Iterator, Sequence

import pytest

from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from tests.servers.databases import Databases
from tests.v2.web import Web

NAME = "/v2/team/app/manifests"
INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
LIMIT = 4 << 20


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, new_databases: Callable[[], Databases]) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("web"), new_databases()) as server:
        yield server


def ask(
    web: Web, method: str, target: str, headers: Sequence[tuple[str, str]] = (), pieces: Sequence[bytes] = ()
) -> http.client.HTTPResponse:
    """One request whose headers may repeat a name; a body goes in chunks, without its length. The answer is read."""
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    client.putrequest(method, target)
    for name, value in headers:
        client.putheader(name, value)
    if pieces:
        client.putheader("Transfer-Encoding", "chunked")
    client.endheaders(iter(pieces) if pieces else None, encode_chunked=bool(pieces))
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer


def push(web: Web, reference: str, content: bytes, media_type: str = OCI_INDEX) -> http.client.HTTPResponse:
    pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    return ask(web, "PUT", f"{NAME}/{reference}", [("Content-Type", media_type)], pieces)


def test_each_tag_has_its_own_header(web: Web) -> None:
    """As clients look for them, and in the order of the query."""
    digest = digest_of(INDEX, "sha512")
    answer = push(web, f"{digest}?tag=b&tag=a", INDEX)
    assert answer.status == 201
    assert answer.headers.get_all("OCI-Tag") == ["b", "a"]
    for reference in ("a", "b", str(digest)):
        assert ask(web, "GET", f"{NAME}/{reference}").headers["Docker-Content-Digest"] == str(digest)


def test_a_manifest_without_a_length_may_be_as_large_as_one_with(web: Web) -> None:
    """Exactly the limit is read, and is none; one byte more is 413."""
    assert push(web, "large", b" " * LIMIT).status == 400
    assert push(web, "large", b" " * (LIMIT + 1)).status == 413


def test_several_accept_headers_are_one_list(web: Web) -> None:
    """As docker sends them, one type each."""
    content = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": []}).encode()
    assert push(web, "list", content, DOCKER_LIST).status == 201
    for accepted, status in (((OCI_MANIFEST, DOCKER_LIST), 200), ((DOCKER_LIST, OCI_MANIFEST), 200), (("x/y",), 404)):
        answer = ask(web, "GET", f"{NAME}/list", [("Accept", each) for each in accepted])
        assert answer.status == status


def test_sha512_goes_the_whole_round(web: Web) -> None:
    """Push, HEAD, GET, what is attached, delete."""
    content = json.dumps({"schemaVersion": 2, "manifests": [], "annotations": {"a": "sha512"}}).encode()
    digest = str(digest_of(content, "sha512"))
    attached = json.dumps({"schemaVersion": 2, "manifests": [], "subject": {"digest": digest, "size": 1}}).encode()
    assert push(web, digest, content).status == 201
    assert push(web, "attached", attached).headers["OCI-Subject"] == digest
    for method in ("HEAD", "GET"):
        answer = ask(web, method, f"{NAME}/{digest}")
        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (200, digest)
    with web.wire() as wire:
        (listed,) = wire.request("GET", f"/v2/team/app/referrers/{digest}").json()["manifests"]
    assert listed["digest"] == str(digest_of(attached))
    assert [ask(web, method, f"{NAME}/{digest}").status for method in ("DELETE", "GET")] == [202, 404]
