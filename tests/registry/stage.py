"""What the tests of the rules stand on: blobs that are linked, manifests that name them, events that came of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications import events, facts
from notifications.facts import Facts
from notifications.log.models import Intake
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.access.repositories import ensure_repository
from registryhub.database.lookups import Lookup, Row
from registryhub.oci.digests import digest_of, parse_digest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import manifests
from registryhub.registry.announce import RequestContext
from registryhub.registry.models import Blob, BlobLink
from registryhub.registry.rules import read_rules
from registryhub.storage import paths
from registryhub.storage.base import StorageDriver
from registryhub.storage.memory import MemoryDriver

CONTEXT = RequestContext(
    request_id="01a20b6e-4411-733a-9be2-99871c36940e",
    address="192.0.2.7:40000",
    host="hub.example.org",
    method="PUT",
    user_agent="docker/28 <client>",
    actor="ann",
    base_url="http://hub.example.org/",
)
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def stored_events() -> list[events.Event]:
    """The events that were committed with a change, oldest first."""
    rows = Intake.objects.filter(kind="event", source_id=HUB_SOURCE_ID).order_by("id")
    return [events.parse(bytes(raw).partition(b"\n")[0]) for raw in rows.values_list("raw", flat=True)]


def stored_facts() -> list[Facts]:
    """What is known besides of each of these events."""
    rows = Intake.objects.filter(kind="event", source_id=HUB_SOURCE_ID).order_by("id")
    return [facts.parse(bytes(raw).partition(b"\n")[2].decode()) for raw in rows.values_list("raw", flat=True)]


def link_blob(repository: str, content: bytes) -> dict[str, Any]:
    """Make the blob known in the repository, as a finished upload does; its descriptor without a type."""
    digest = str(digest_of(content))
    blob, _ = Blob.objects.get_or_create(digest=digest, defaults={"size": len(content)})
    BlobLink.objects.get_or_create(repository_id=ensure_repository(HUB_SOURCE_ID, repository), blob=blob)
    return {"digest": digest, "size": len(content)}


def image_bytes(repository: str, text: str, *, media_type: str = OCI_MANIFEST, layers: int = 2) -> bytes:
    """A manifest whose blobs are linked in the repository."""
    config = {"mediaType": CONFIG_TYPE, **link_blob(repository, f"config {text}".encode())}
    parts = [
        {"mediaType": LAYER_TYPE, **link_blob(repository, f"layer {number} {text}".encode())}
        for number in range(layers)
    ]
    return dump({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": parts})


def image_for(driver: StorageDriver, platform: object, *, repository: str = "team/app") -> bytes:
    """An image without layers, whose configuration stands in the driver and says `platform`."""
    config = json.dumps(platform).encode()
    digest = digest_of(config)
    driver.write(paths.blob_data(digest.algorithm, digest.hex), config)
    described = {"mediaType": CONFIG_TYPE, **link_blob(repository, config)}
    return dump({"schemaVersion": 2, "config": described, "layers": []})


def index_bytes(children: Sequence[bytes], *, media_type: str = OCI_INDEX, child_type: str = OCI_MANIFEST) -> bytes:
    """An index of images for linux/amd64, linux/arm64 and so on."""
    descriptors = [
        {
            "mediaType": child_type,
            "digest": str(digest_of(child)),
            "size": len(child),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for child, architecture in zip(children, ("amd64", "arm64", "s390x", "riscv64"), strict=False)
    ]
    return dump({"schemaVersion": 2, "mediaType": media_type, "manifests": descriptors})


def changed_document(content: bytes, **fields: Any) -> bytes:
    """The same manifest with other fields."""
    return dump({**json.loads(content), **fields})


def put(
    repository: str,
    content: bytes,
    *,
    tag: str = "",
    media_type: str = OCI_MANIFEST,
    driver: StorageDriver | None = None,
) -> str:
    """Store a manifest; its digest."""
    return put_under(repository, content, *[tag] if tag else [], media_type=media_type, driver=driver)


def put_under(
    repository: str,
    content: bytes,
    *tags: str,
    media_type: str = OCI_MANIFEST,
    digest: str = "",
    driver: StorageDriver | None = None,
    **config: Any,
) -> str:
    """Store a manifest under any number of tags, as the digest if one is given; `config` is as for `changed`.

    Without a driver no blob has bytes.
    """
    pushed = manifests.put(
        CONTEXT,
        repository=repository,
        names=tags,
        digest=parse_digest(digest) if digest else None,
        media_type=media_type,
        content=content,
        rules=read_rules(changed(settings.HUB, **config)),
        driver=driver or MemoryDriver(),
    )
    return str(pushed.digest)


@contextmanager
def counted_queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the look-ups made inside; none may go through the ORM."""
    asked: list[str] = []
    plain = Lookup.all

    def count(self: Lookup, *parameters: object) -> list[Row]:
        asked.append(self.name)
        return plain(self, *parameters)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as through_the_orm:
        patch.setattr(Lookup, "all", count)
        yield asked
    assert [query["sql"] for query in through_the_orm] == []


def dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def changed(config: Any, **changes: Any) -> Any:
    """A copy of the configuration with other values, by their path joined with `__`."""
    for path, value in changes.items():
        first, _, rest = path.partition("__")
        inner = changed(getattr(config, first), **{rest: value}) if rest else value
        config = config.model_copy(update={first: inner})
    return config
