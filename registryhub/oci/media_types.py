"""The media types of manifests and layers, and how headers name them (OCI image-spec "Media Types", RFC 9110)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

MANIFESTS = frozenset((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))
INDEXES = frozenset((DOCKER_LIST, OCI_INDEX))

FOREIGN_LAYERS = frozenset(
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    )
)
"""Layers that may be left to others: with URLs that the registry approves of they need not be there (reference B.7)."""

LAYERS_FROM_URLS = FOREIGN_LAYERS | {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
}
"""Layers whose URLs clients may fetch them from, so that the registry must approve of them."""

ATTACHMENTS = (
    "application/vnd.dev.cosign.",
    "application/vnd.dev.sigstore.",
    "application/vnd.cncf.notary.",
    "application/vnd.dsse.envelope.",
    "application/vnd.in-toto",
    "application/vnd.docker.attestation.",
    "application/vnd.cyclonedx",
    "application/spdx",
    "application/vnd.syft",
    "application/vnd.openvex",
    "application/vnd.aquasec.trivy.",
    "application/sarif",
    "text/spdx",
)
"""How the media types begin of what is said about an image: signatures, attestations, SBOMs, reports of scanners."""

_ITEM = re.compile(r"\s*([!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)\s*(;.*)?", re.IGNORECASE | re.DOTALL)
_WEIGHT_OF_NONE = re.compile(r";\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Accept:
    """What a client says it reads, and what not: `is_read` is by media types and wildcards, in lower case."""

    is_read: Mapping[str, bool]

    @property
    def is_absent(self) -> bool:
        """Whether the client says nothing that can be read."""
        return not self.is_read

    def allows(self, media_type: str) -> bool:
        """Whether the client takes a type (RFC 9110 §12.5.1): the most exact item that covers it decides.

        Whoever says nothing takes everything.
        """
        said = self.is_read.get(media_type)
        if said is None:
            said = self.is_read.get(f"{media_type.partition('/')[0]}/*", self.is_read.get("*/*", self.is_absent))
        return said


@lru_cache(maxsize=512)
def parse_accept(header: str | None) -> Accept:
    """An Accept header, several joined by commas. What cannot be read is skipped; of q-values only 0 says something:
    "not this". A type that is listed twice is read.
    """
    found: dict[str, bool] = {}
    for item in (header or "").split(","):
        match = _ITEM.fullmatch(item)
        if match is not None:
            media_type = match[1].lower()
            found[media_type] = found.get(media_type, False) or _WEIGHT_OF_NONE.search(match[2] or "") is None
    return Accept(found)


def base_type(header: str) -> str:
    """The media type without its parameters, in lower case."""
    return header.partition(";")[0].strip().lower()
