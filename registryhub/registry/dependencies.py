"""Whether everything a manifest refers to is in its repository (reference B.7, step 7)."""

import json
from collections.abc import Collection, Iterable

from django.db import connection

from registryhub.oci.errors import MANIFEST_BLOB_UNKNOWN, OciError
from registryhub.oci.manifests import Descriptor, Manifest
from registryhub.oci.media_types import INDEXES, MANIFESTS

_BLOBS = (
    "SELECT blob.digest FROM registry_blob blob JOIN registry_bloblink link ON link.blob_id = blob.id"
    " WHERE link.repository_id = %s AND blob.digest {among}"
)
_MANIFESTS = "SELECT digest FROM registry_manifest WHERE repository_id = %s AND digest {among}"

_AMONG_SQLITE = "IN (SELECT value FROM json_each(%s))"
_AMONG_POSTGRES = "= ANY(%s) ORDER BY digest FOR KEY SHARE"


def check_references(repository_id: int, manifest: Manifest, required: Collection[str]) -> None:
    """To be called in the transaction that stores the manifest: what is found is locked against removal until it ends.

    Children of an index must be manifests, all else blobs. Raises OciError(MANIFEST_BLOB_UNKNOWN), an entry an item
    that is required and missing.
    """
    if not required:
        return
    wanted = dict.fromkeys(str(item.digest) for item in manifest.references)
    manifests = {str(item.digest) for item in manifest.references if _is_manifest(item, manifest)}
    found = _find(_BLOBS, repository_id, wanted.keys() - manifests)
    found |= _find(_MANIFESTS, repository_id, manifests)
    missing = [
        OciError(MANIFEST_BLOB_UNKNOWN, digest) for digest in wanted if digest in required and digest not in found
    ]
    if missing:
        raise OciError(MANIFEST_BLOB_UNKNOWN, missing[0].detail, more=tuple(missing[1:]))


def _is_manifest(item: Descriptor, manifest: Manifest) -> bool:
    return manifest.media_type in INDEXES or item.media_type in MANIFESTS


def _find(sql: str, repository_id: int, digests: Iterable[str]) -> set[str]:
    wanted = sorted(digests)
    if not wanted:
        return set()
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(
            sql.format(among=_AMONG_POSTGRES if is_postgres else _AMONG_SQLITE),
            (repository_id, wanted if is_postgres else json.dumps(wanted)),
        )
        return {digest for (digest,) in cursor.fetchall()}
