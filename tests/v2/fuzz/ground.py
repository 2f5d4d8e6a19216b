"""The data plane with a little in it, and what must hold of every answer and of the store after it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.db.models import F, QuerySet

from notifications import events
from notifications.log.models import QuarantinedEvent
from registryhub.http.forwarded import behind
from registryhub.oci import errors
from registryhub.oci.digests import digest_of
from registryhub.oci.errors import ErrorCode
from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from registryhub.registry.models import BlobLink, Manifest, Tag
from registryhub.storage import paths
from tests.notifications.log.making import sequence_all
from tests.registry.journals import JournalReader
from tests.registry.stage import CONFIG_TYPE, LAYER_TYPE, dump, stored_events
from tests.v2.plane import Answer, Plane, make_plane

NAMES = ("library/app", "a", "deep/er/na-me_1")
CONTENTS = (b"{}", b"a layer" * 500, b"", b"\0" * 70_000)
ARTIFACT_TYPE = "application/vnd.example.sbom+json"
BLOBS = tuple(str(digest_of(content)) for content in CONTENTS)

LAST_LINKS = 20

_TABLE = {(found.code, found.status) for found in vars(errors).values() if isinstance(found, ErrorCode)}
_NOT_FOUND = (404, b"404 page not found\n")
_NOT_ALLOWED = (405, b"Method not allowed\n")


def describe(content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content), **more}


def image(media_type: str, **more: Any) -> dict[str, Any]:
    layers = [describe(content, LAYER_TYPE) for content in CONTENTS[1:]]
    config = describe(CONTENTS[0], CONFIG_TYPE)
    return {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers, **more}


def index(media_type: str, child: dict[str, Any]) -> dict[str, Any]:
    platform = {"os": "linux", "architecture": "amd64", "variant": "v8"}
    children = [describe(dump(child), str(child["mediaType"]), platform=platform)]
    return {"schemaVersion": 2, "mediaType": media_type, "manifests": children}


IMAGE, DOCKER_IMAGE = image(OCI_MANIFEST), image(DOCKER_MANIFEST)
ARTIFACT = image(
    OCI_MANIFEST,
    subject=describe(dump(IMAGE), OCI_MANIFEST),
    artifactType=ARTIFACT_TYPE,
    annotations={"org.example": "é"},
)
TAGGED = {
    "v1": IMAGE,
    "v_2.0-x": DOCKER_IMAGE,
    "index": index(OCI_INDEX, IMAGE),
    "LIST": index(DOCKER_LIST, DOCKER_IMAGE),
    "artifact": ARTIFACT,
}
TAGS = tuple(TAGGED)
DOCUMENTS = tuple(TAGGED.values())
MANIFESTS = tuple(str(digest_of(dump(document))) for document in DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `path` and the query are not yet percent-encoded, headers without a value are left out."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes = b""
    is_chunked: bool = False
    missing_bytes: int = 0

    @property
    def target(self) -> str:
        path = quote(self.path.encode("utf-8", "surrogatepass"), safe="/:@!$&'()*+,;=-._~")
        query = urlencode(self.query, errors="surrogatepass")
        return f"{path}?{query}" if query else path


@dataclass(slots=True)
class Ground:
    """`ask` sends a call and checks what came of it."""

    plane: Plane
    folder: Path
    _seen: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> "Ground":
        plane = make_plane(folder)
        trusting = behind([ip_network("192.0.2.0/24")], plane.app)
        ground = cls(Plane(trusting, plane.config), folder)
        ground.fill()
        return ground

    def fill(self) -> None:
        """Push what a call may have deleted."""
        for content in CONTENTS:
            target = f"/v2/{NAMES[0]}/blobs/uploads/?digest={digest_of(content)}"
            headers = {"transfer-encoding": "chunked"}
            assert self.plane.request("POST", target, body=content, headers=headers).status == 201
        for tag, document in TAGGED.items():
            headers = {"Content-Type": str(document["mediaType"])}
            target = f"/v2/{NAMES[0]}/manifests/{tag}"
            assert self.plane.request("PUT", target, headers=headers, body=dump(document)).status == 201

    def ask(self, call: Call) -> Answer:
        headers = {name: value for name, value in call.headers.items() if value}
        if call.is_chunked:
            headers["transfer-encoding"] = "chunked"
        answer = self.plane.request(
            call.method,
            call.target,
            headers=headers,
            body=call.body,
            content_length=len(call.body) + call.missing_bytes if call.missing_bytes else None,
        )
        check_answer(call.method, answer)
        self.check_store()
        if call.method == "DELETE" and answer.status == 202:
            self.fill()
        return answer

    def check_store(self) -> None:
        """What came last is whole, and is where it is visible; tags point at manifests of their repository."""
        for folder in self._blobs.glob("*/*"):
            version = folder.stat().st_mtime_ns
            if self._seen.get(folder) != version:
                self._check_files(folder)
                self._seen[folder] = version
        self._check_links(BlobLink.objects.order_by("-pk")[:LAST_LINKS])
        assert not Tag.objects.exclude(
            manifest__repository_id=F("repository_id"), manifest__digest=F("digest"), manifest__size=F("size")
        ).exists()

    def check_whole_store(self) -> None:
        self._seen.clear()
        self.check_store()
        self._check_links(BlobLink.objects.all())

    @property
    def _blobs(self) -> Path:
        return self.folder / "blobs" / paths.BLOBS

    def _check_files(self, folder: Path) -> None:
        for path in folder.glob("*/*"):
            algorithm, _, hex_, name = path.relative_to(self._blobs).parts
            assert name == "data", path
            assert digest_of(path.read_bytes(), algorithm).hex == hex_

    def _check_links(self, links: QuerySet[BlobLink]) -> None:
        for digest, size in links.values_list("blob__digest", "blob__size"):
            algorithm, _, hex_ = digest.partition(":")
            assert (self.folder / "blobs" / paths.blob_data(algorithm, hex_)).stat().st_size == size

    def check_all(self, journal: JournalReader) -> None:
        """Manifests are what their digests say, and the log can read and keep all that was told."""
        self.check_whole_store()
        for digest, payload in Manifest.objects.values_list("digest", "payload"):
            assert str(digest_of(bytes(payload), digest.partition(":")[0])) == digest
        assert all(isinstance(event, events.Event) for event in (*journal.events(), *stored_events()))
        sequence_all()
        assert list(QuarantinedEvent.objects.values_list("reason", flat=True)) == []


def check_answer(method: str, answer: Answer) -> None:
    """No answer of these faults; errors are JSON of the table; headers are such that a server can send them."""
    assert answer.status < 500, (answer.status, answer.body)
    check_headers(method, answer)
    if answer.status >= 400:
        check_error(method, answer)
    elif answer.status in (301, 308):
        assert answer.headers["location"].startswith("/")
    elif answer.status == 200 and method == "GET" and "docker-content-digest" in answer.headers:
        digest = answer.headers["docker-content-digest"]
        assert str(digest_of(answer.body, digest.partition(":")[0])) == digest


def check_headers(method: str, answer: Answer) -> None:
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    for name, value in answer.headers.items():
        assert name.isascii(), name
        assert value.encode("latin-1").isascii() or name == "location", (name, value)
        assert not set(value) & set("\r\n\0"), (name, value)
    if answer.status not in (204, 304):
        assert method == "HEAD" or int(answer.headers["content-length"]) == len(answer.body)
    if method == "HEAD" or answer.status in (204, 304):
        assert answer.body == b""


def check_error(method: str, answer: Answer) -> None:
    """JSON of the table, but for paths and methods that are no route, and for an If-Match that does not."""
    kind = answer.headers.get("content-type")
    if answer.status == 412:
        assert answer.body == b""
    elif kind == "application/json":
        if method != "HEAD":
            found = json.loads(answer.body)["errors"]
            assert found
            assert all((error["code"], answer.status) in _TABLE for error in found), found
            assert all(error["message"] for error in found)
    else:
        assert kind == "text/plain; charset=utf-8"
        assert method == "HEAD" or (answer.status, answer.body) in (_NOT_FOUND, _NOT_ALLOWED)
        assert answer.status != 405 or "allow" in answer.headers
