"""Reading the four kinds of manifests and checking what they say about themselves (reference B.7).

Pure: whether the things a manifest refers to exist is for `registryhub.registry` to find out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import MANIFEST_INVALID, OciError
from registryhub.oci.media_types import (
    ATTACHMENTS,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
)

MAX_SIZE = 2**63 - 1
_MEDIA_TYPE = re.compile(r"[!-~ ]{0,255}")
_STRANGERS = {OCI_MANIFEST: ("manifests",), OCI_INDEX: ("config", "layers")}
_NAMED_IN_BODY = frozenset((DOCKER_MANIFEST, DOCKER_LIST))


@dataclass(frozen=True, slots=True)
class Platform:
    """What a child of an index runs on; empty text means not said. Variants are equal: only people tell them apart."""

    os: str
    architecture: str
    variant: str = field(default="", compare=False)

    def __str__(self) -> str:
        """As docker writes it: linux/arm/v7."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Something a manifest refers to. `size` is in bytes; `urls` say where else a layer may be fetched."""

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image (`config` and `layers`) or an index (`children`); `subject` is what it is attached to.

    `artifact_type` is what it says itself, else the media type of its configuration, and empty for an index without
    one (OCI distribution-spec 1.1, "Listing Referrers").
    """

    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def references(self) -> tuple[Descriptor, ...]:
        """What must exist before the manifest may: config then layers, or the children. Not the subject."""
        return self.children if self.config is None else (self.config, *self.layers)

    @property
    def is_attached(self) -> bool:
        """Whether it is said about another manifest: a signature, an attestation, an SBOM.

        It names a subject, or is by its type such a thing; older signers and builders write it as an image whose layers
        all are. What stands for itself and is no image (a chart, a model) is not attached.
        """
        if self.subject is not None or self.artifact_type.startswith(ATTACHMENTS):
            return True
        return bool(self.layers) and all(layer.media_type.startswith(ATTACHMENTS) for layer in self.layers)

    def child_for(self, platform: Platform) -> Descriptor | None:
        """The first child of an index that runs on the platform."""
        return next((child for child in self.children if child.platform == platform), None)


def parse_manifest(payload: bytes, media_type: str) -> Manifest:
    """Read a manifest of a type. Raises OciError(MANIFEST_INVALID) that says which field and why."""
    if media_type not in MANIFESTS:
        raise _invalid(f"the Content-Type {media_type!r} is none of {', '.join(sorted(MANIFESTS))}")
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise _invalid(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise _invalid("the body is no JSON object")
    _check_type(document, media_type)
    is_index = media_type in INDEXES
    config = None if is_index else _descriptor(document.get("config"), "config")
    return Manifest(
        media_type=media_type,
        config=config,
        layers=() if is_index else tuple(_descriptors(document, "layers")),
        children=tuple(_descriptors(document, "manifests")) if is_index else (),
        subject=_descriptor(document["subject"], "subject") if document.get("subject") is not None else None,
        artifact_type=_artifact_type(document.get("artifactType")) or (config.media_type if config else ""),
        annotations=_annotations(document.get("annotations")),
    )


def _check_type(document: dict[str, Any], media_type: str) -> None:
    version = document.get("schemaVersion")
    if type(version) is not int or version != 2:
        raise _invalid(f"schemaVersion: expected 2, found {_shown(version)}")
    stated = document.get("mediaType")
    if stated in (None, ""):
        if media_type in _NAMED_IN_BODY:
            raise _invalid(f"mediaType: missing; the Content-Type says {media_type}")
    elif stated != media_type:
        raise _invalid(f"mediaType: {_shown(stated)} is not the Content-Type {media_type}")
    for name in _STRANGERS.get(media_type, ()):
        if document.get(name) is not None:
            raise _invalid(f"{name}: has no place in {media_type}")


def _descriptors(document: dict[str, Any], name: str) -> Iterator[Descriptor]:
    found = document.get(name)
    if found is None:
        return
    if not isinstance(found, list):
        raise _invalid(f"{name}: expected a list")
    for index, item in enumerate(found):
        yield _descriptor(item, f"{name}[{index}]")


def _descriptor(value: Any, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise _invalid(f"{where}: expected a descriptor with mediaType, digest and size")
    media_type, size = value.get("mediaType", ""), value.get("size", 0)
    if not isinstance(media_type, str) or _MEDIA_TYPE.fullmatch(media_type) is None:
        raise _invalid(f"{where}.mediaType: {_shown(media_type)} is no media type")
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise _invalid(f"{where}.size: {_shown(size)} is no number of bytes")
    return Descriptor(
        media_type=media_type,
        digest=_digest(value.get("digest"), where),
        size=size,
        urls=_urls(value.get("urls"), where),
        platform=_platform(value.get("platform"), where),
    )


def _digest(value: Any, where: str) -> Digest:
    if not isinstance(value, str):
        raise _invalid(f"{where}.digest: missing")
    try:
        return parse_digest(value)
    except OciError as error:
        raise _invalid(f"{where}.digest: {error.detail}") from error


def _urls(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid(f"{where}.urls: expected a list of texts")
    return tuple(value)


def _platform(value: Any, where: str) -> Platform | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _invalid(f"{where}.platform: expected an object with os and architecture")
    return Platform(*(str(value.get(name) or "") for name in ("os", "architecture", "variant")))


def _artifact_type(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or _MEDIA_TYPE.fullmatch(value) is None:
        raise _invalid(f"artifactType: {_shown(value)} is no media type")
    return value


def _annotations(value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _invalid("annotations: expected an object of texts")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _invalid(detail: str) -> OciError:
    return OciError(MANIFEST_INVALID, detail)
