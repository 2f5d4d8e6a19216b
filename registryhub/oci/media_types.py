"""The media types of manifests and layers, and how headers name them (OCI image-spec "Media Types", RFC 9110)."""

from dataclasses import dataclass
from functools import lru_cache

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

MANIFESTS = frozenset((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))
INDEXES = frozenset((DOCKER_LIST, OCI_INDEX))

LAYERS_FROM_URLS = frozenset(
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    )
)
"""Layers of these types may name URLs to fetch them from, which the registry must approve (reference B.7)."""


@dataclass(frozen=True, slots=True)
class Accept:
    """What a client says it reads. q-values are ignored, as the reference does."""

    types: frozenset[str]
    is_open: bool

    def names(self, media_type: str) -> bool:
        """Whether the type itself is listed; a wildcard does not count."""
        return media_type in self.types

    def allows(self, media_type: str) -> bool:
        """Whether the type is listed, or the client takes anything: no Accept, `*/*`, `application/*`."""
        return self.is_open or media_type in self.types


@lru_cache(maxsize=512)
def parse_accept(header: str | None) -> Accept:
    """The media types of an Accept header, several joined by commas. What cannot be read is skipped."""
    types = frozenset(base_type(item) for item in (header or "").split(",")) - {""}
    return Accept(types, is_open=not types or not types.isdisjoint(("*/*", "application/*")))


def base_type(header: str) -> str:
    """The media type without its parameters, in lower case."""
    return header.partition(";")[0].strip().lower()
