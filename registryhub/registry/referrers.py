"""What is attached to a manifest: signatures, SBOMs, attestations (OCI distribution-spec 1.1 "Listing Referrers").

They say so themselves, by their `subject`, which need not be there (yet). Clients that took us for a registry without
this listing keep an index of them under a tag named after the subject: what is in it and says nothing itself counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup, Row
from registryhub.oci.digests import Digest
from registryhub.oci.media_types import OCI_INDEX

MAX_BYTES = (4 << 20) - 1024
"""Of the descriptors of a page: clients read answers up to 4 MiB."""

# The sizes of the manifests up to and with each one bound what is read: a descriptor is never much larger.
_PAGE = Lookup(
    "referrers_page",
    """
    WITH place AS (
        SELECT id FROM access_repository WHERE source_id = %s AND name = %s
    ), attached AS (
        SELECT id, digest, size FROM registry_manifest
        WHERE repository_id = (SELECT id FROM place) AND subject = %s AND NOT (subject = '')
            AND digest > %s AND %s IN ('', artifact_type)
        ORDER BY digest LIMIT %s
    ), tagged AS (
        SELECT manifest.id, manifest.digest, manifest.size
        FROM registry_tag AS tag
        JOIN registry_manifestreference AS child ON child.manifest_id = tag.manifest_id
        JOIN registry_manifest AS manifest
            ON manifest.repository_id = tag.repository_id AND manifest.digest = child.digest
        WHERE tag.repository_id = (SELECT id FROM place) AND tag.name = %s AND tag.media_type = %s
            AND manifest.subject = '' AND child.digest > %s AND %s IN ('', manifest.artifact_type)
        ORDER BY child.digest LIMIT %s
    ), page AS (
        SELECT id, digest, size FROM attached UNION ALL SELECT id, digest, size FROM tagged ORDER BY digest LIMIT %s
    ), measured AS (
        SELECT id, size, sum(size) OVER (ORDER BY digest) AS bytes, count(*) OVER () AS found FROM page
    )
    SELECT measured.found, manifest.digest, manifest.media_type, manifest.size, manifest.artifact_type, manifest.payload
    FROM measured JOIN registry_manifest AS manifest ON manifest.id = measured.id
    WHERE measured.bytes - measured.size < %s
    ORDER BY manifest.digest
    """,
)
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Referrers:
    """A page of descriptors as JSON, by their digests. The next one follows `last`, which is empty at the end."""

    descriptors: list[bytes]
    last: str


def list_referrers(repository: str, subject: Digest, *, artifact_type: str, after: str, limit: int) -> Referrers:
    """A page behind the digest `after`; of every type when `artifact_type` is empty. One prepared query.

    A page ends after `limit` of them or MAX_BYTES. Nothing is attached to what is not there, nor in a repository that
    is not there: that is no error.
    """
    digest, most = str(subject), limit + 1
    found = _PAGE.all(
        *(HUB_SOURCE_ID, repository),
        *(digest, after, artifact_type, most),
        *(fallback_tag(subject), OCI_INDEX, after, artifact_type, most),
        *(most, MAX_BYTES),
    )
    descriptors = _fill(found[:limit])
    has_more = bool(descriptors) and found[0][0] > len(descriptors)
    return Referrers(descriptors, found[len(descriptors) - 1][1] if has_more else "")


def fallback_tag(subject: Digest) -> str:
    """Where clients keep the index of referrers at a registry without the listing ("Referrers Tag Schema")."""
    return _NOT_IN_TAGS.sub("-", f"{subject.algorithm[:32]}-{subject.hex[:64]}")


def _fill(rows: Iterable[Row]) -> list[bytes]:
    """As many as fit, but at least the first one."""
    found: list[bytes] = []
    size = 0
    for _, digest, media_type, length, artifact_type, payload in rows:
        descriptor = _describe(digest, media_type, length, artifact_type, bytes(payload))
        size += len(descriptor) + 1
        if found and size > MAX_BYTES:
            break
        found.append(descriptor)
    return found


def _describe(digest: str, media_type: str, size: int, artifact_type: str, payload: bytes) -> bytes:
    """Annotations that fit into no answer are left out: they are in the manifest."""
    document: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": size}
    if artifact_type:
        document["artifactType"] = artifact_type
    annotations = orjson.loads(payload).get("annotations")
    if annotations:
        described = orjson.dumps({**document, "annotations": annotations})
        if len(described) <= MAX_BYTES:
            return described
    return orjson.dumps(document)
