"""Manifests as they stand in the blob tree, where nobody says of which media type they are (reference B.6)."""

from contextlib import closing
from dataclasses import dataclass

import orjson

from registryhub.oci.digests import Digest, digest_of
from registryhub.oci.errors import OciError
from registryhub.oci.manifests import Manifest, parse_manifest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDamaged, StorageDriver


class Unusable(Exception):
    """What stands there is no manifest that could be served; the text says why."""


@dataclass(frozen=True, slots=True)
class Document:
    """The exact bytes, and what they say."""

    digest: Digest
    content: bytes
    manifest: Manifest


def read_document(driver: StorageDriver, digest: Digest, most_bytes: int) -> Document:
    """Raises Unusable when the bytes are lost, too many, others than the digest says, or no manifest."""
    content = _read(driver, digest, most_bytes)
    found = digest_of(content, digest.algorithm)
    if found != digest:
        raise Unusable(f"its bytes are damaged: their digest is {found}")
    try:
        return Document(digest, content, parse_manifest(content, _media_type(content)))
    except OciError as error:
        raise Unusable(f"it cannot be read: {error.detail}") from error


def _read(driver: StorageDriver, digest: Digest, most_bytes: int) -> bytes:
    try:
        with closing(driver.open_reader(paths.blob_data(digest.algorithm, digest.hex))) as reader:
            if reader.size > most_bytes:
                raise Unusable(f"it has {reader.size} bytes, more than hub.limits.manifest_bytes")
            return b"".join(reader)
    except PathNotFound as error:
        raise Unusable("its bytes are not there") from error
    except StorageDamaged as error:
        raise Unusable(f"its bytes are damaged: {error}") from error


def _media_type(content: bytes) -> str:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Unusable(f"it is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Unusable("it is no JSON object")
    if document.get("schemaVersion") == 1:
        raise Unusable("it is of schema 1, which docker left behind in 2017; push the image anew")
    stated = document.get("mediaType")
    if isinstance(stated, str) and stated:
        return stated
    return OCI_INDEX if "manifests" in document else OCI_MANIFEST
