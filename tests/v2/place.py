"""A repository of its own for each try, and what a client may ask of it."""

from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_MANIFEST
from tests.registry.stage import CONFIG_TYPE, LAYER_TYPE, dump, stored_events
from tests.v2.fuzz.model import describe
from tests.v2.mortal import Request
from tests.v2.plane import Answer, Plane

LAYER = b"a layer" * 100


@dataclass(slots=True)
class Place:
    """A repository and a blob of its own for each kill."""

    plane: Plane
    name: str
    content: bytes = field(init=False)
    known_events: int = 0

    def __post_init__(self) -> None:
        self.content = self.name.encode() * 50

    @property
    def digest(self) -> str:
        return str(digest_of(self.content))

    @property
    def uploads(self) -> str:
        return f"/v2/{self.name}/blobs/uploads/"

    def send(self, request: Request) -> Answer:
        return self.plane.request(request.method, request.target, headers=request.headers, body=request.body)

    def begin(self) -> str:
        """Where a new upload takes its bytes."""
        return location(self.plane.request("POST", self.uploads))

    def append(self, content: bytes) -> str:
        """Where a new upload goes on behind its first bytes."""
        return location(self.plane.request("PATCH", self.begin(), body=content))

    def finish(self, where: str, body: bytes = b"") -> Request:
        return Request("PUT", f"{where}&{urlencode({'digest': self.digest})}", {"content-length": str(len(body))}, body)

    def at_once(self, content: bytes) -> Request:
        target = f"{self.uploads}?{urlencode({'digest': str(digest_of(content))})}"
        return Request("POST", target, {"transfer-encoding": "chunked"}, content)

    def put(self, reference: str, text: str = "new") -> Request:
        """A manifest whose blobs are there."""
        for content in (self.content, LAYER):
            assert self.send(self.at_once(content)).status == 201
        config = describe(self.digest, CONFIG_TYPE, len(self.content))
        layers = [describe(str(digest_of(LAYER)), LAYER_TYPE, len(LAYER))]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
        body = dump({**document, "annotations": {"text": text}})
        target = f"/v2/{self.name}/manifests/{reference.format(digest=digest_of(body))}"
        return Request("PUT", target, {"content-type": OCI_MANIFEST}, body)

    def tag(self, reference: str, text: str = "new") -> str:
        """Push a manifest; its digest."""
        answer = self.send(self.put(reference, text))
        assert answer.status == 201
        return answer.headers["docker-content-digest"]

    def has(self, below: str) -> bool:
        return self.plane.request("HEAD", f"/v2/{self.name}/{below}").status == 200

    def points_at(self, tag: str) -> str | None:
        return self.plane.request("HEAD", f"/v2/{self.name}/manifests/{tag}").headers.get("docker-content-digest")

    def told(self) -> list[tuple[str, str]]:
        """(action, tag) of the events since the request was prepared."""
        found: list[tuple[str, str]] = [
            (event.action, event.tag) for event in stored_events() if event.repository == self.name
        ]
        return found[self.known_events :]


def location(answer: Answer) -> str:
    assert answer.status in (202, 416), answer.body
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"
