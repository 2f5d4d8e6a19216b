"""What a repository must be after any requests: the whole of it in a few lines, with no database and no files."""

from dataclasses import dataclass, field
from typing import Any

from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from tests.registry.stage import CONFIG_TYPE, LAYER_TYPE


@dataclass(slots=True)
class Repository:
    """Blobs by digest, manifests by digest, and which of them the tags point at."""

    name: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def put(self, content: bytes, document: dict[str, Any], *, tags: list[str]) -> str:
        """The digest of a manifest that is let in."""
        digest = str(digest_of(content))
        self.manifests[digest] = content
        self.kinds[digest] = document["mediaType"]
        self.needs[digest] = needed(document)
        if "subject" in document:
            self.subjects[digest] = document["subject"]["digest"]
        self.tags.update(dict.fromkeys(tags, digest))
        return digest

    def lacks(self, document: dict[str, Any]) -> set[str]:
        """What stands against letting a manifest in."""
        there = self.manifests if document["mediaType"] == OCI_INDEX else self.blobs
        return needed(document) - there.keys()

    def remove(self, digest: str) -> None:
        """A manifest goes with its tags."""
        for known in (self.manifests, self.kinds, self.needs):
            del known[digest]
        self.subjects.pop(digest, None)
        self.tags = {tag: pointed for tag, pointed in self.tags.items() if pointed != digest}

    def referrers(self, digest: str) -> list[str]:
        return sorted(referrer for referrer, subject in self.subjects.items() if subject == digest)


def needed(document: dict[str, Any]) -> set[str]:
    parts = document.get("manifests") or [document["config"], *document["layers"]]
    return {part["digest"] for part in parts}


def describe(digest: str, media_type: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def image(blobs: dict[str, bytes], *, subject: str | None = None, kind: str = "") -> dict[str, Any]:
    """The first blob is its configuration."""
    parts = [describe(digest, LAYER_TYPE, len(content)) for digest, content in blobs.items()]
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {**parts[0], "mediaType": CONFIG_TYPE}}
    document |= {"layers": parts[1:], "annotations": {"kind": kind}}
    return document | ({"subject": describe(subject, OCI_MANIFEST, 1)} if subject else {})


def index(manifests: dict[str, bytes], kinds: dict[str, str]) -> dict[str, Any]:
    children = [describe(digest, kinds[digest], len(content)) for digest, content in manifests.items()]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
