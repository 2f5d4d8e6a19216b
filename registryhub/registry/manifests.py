"""Manifests: stored with their tag and their event in one transaction, found again by one prepared query."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection
from django.utils import timezone

from notifications.events import Reference
from notifications.facts import NOTHING
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup
from registryhub.database.shared import SharedLookup
from registryhub.database.transactions import execute_relaxed
from registryhub.oci.digests import CANONICAL, Digest, digest_of
from registryhub.oci.errors import DIGEST_INVALID, MANIFEST_UNKNOWN, OciError
from registryhub.oci.manifests import Manifest as Document
from registryhub.oci.manifests import Platform, parse_manifest
from registryhub.registry import announce, blobs, rows, tags
from registryhub.registry.aging import is_aging
from registryhub.registry.announce import RequestContext, manifest_target
from registryhub.registry.dependencies import check_references
from registryhub.registry.images import describe, find_platforms
from registryhub.registry.payloads import Payload, payloads
from registryhub.registry.protect import check_manifest
from registryhub.registry.retries import run_transaction
from registryhub.registry.rules import Rules
from registryhub.storage.base import StorageDriver

_MEMBER = SharedLookup(
    "manifest_member",
    """
    SELECT 1
    FROM access_repository AS repository
    JOIN registry_manifest AS manifest ON manifest.repository_id = repository.id
    WHERE repository.source_id = %s AND repository.name = %s AND manifest.digest = %s
    """,
    ("bigint", "text", "text"),
)
_CONTENT = Lookup(
    "manifest_content",
    """
    SELECT manifest.media_type, manifest.payload, manifest.platforms
    FROM access_repository AS repository
    JOIN registry_manifest AS manifest ON manifest.repository_id = repository.id
    WHERE repository.source_id = %s AND repository.name = %s AND manifest.digest = %s
    """,
)

_UNUSED = Lookup(
    "manifest_unused",
    """
    SELECT manifest.id, manifest.touched_at
    FROM access_repository AS repository
    JOIN registry_manifest AS manifest ON manifest.repository_id = repository.id
    WHERE repository.source_id = %s AND repository.name = %s AND manifest.digest = %s
    AND NOT EXISTS (SELECT 1 FROM registry_tag AS tag WHERE tag.manifest_id = manifest.id)
    AND NOT EXISTS (
        SELECT 1 FROM registry_manifestreference AS reference
        WHERE reference.repository_id = repository.id AND reference.digest = manifest.digest
    )
    """,
)
_TOUCH = "UPDATE registry_manifest SET touched_at = %s WHERE id = %s"


def find(repository: str, *, tag: str = "", digest: str = "") -> Payload:
    """The manifest that a tag points at now, or that has the digest: one query, two when it is not in memory.

    Raises OciError(MANIFEST_UNKNOWN).
    """
    if tag:
        pointed = tags.find_digest(repository, tag)
        if pointed is None:
            raise _unknown(repository, tag)
        return payloads.find(repository, pointed) or _load(repository, pointed)
    known = payloads.find(repository, digest)
    if known is None:
        return _load(repository, digest)
    if _MEMBER.one(HUB_SOURCE_ID, repository, digest) is None:
        raise _unknown(repository, digest)
    return known


def keep_for_push(repository: str, digest: str) -> None:
    """Begin the grace period anew of a manifest without tag or index: a client asks by HEAD before it pushes an index.

    One query; written only when a quarter of the period has passed. Raises OciError(MANIFEST_UNKNOWN) when it is just
    being collected.
    """
    row = _UNUSED.one(HUB_SOURCE_ID, repository, digest)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    if row is not None and is_aging(row[1]) and not execute_relaxed(_TOUCH, (now, row[0])):
        raise _unknown(repository, digest)


def find_child(repository: str, index: Payload, platform: Platform) -> Payload:
    """The manifest of an index for one platform. Raises OciError(MANIFEST_UNKNOWN)."""
    child = parse_manifest(index.content, index.media_type).child_for(platform)
    if child is None:
        detail = f"{index.digest} has no manifest for {platform.os}/{platform.architecture}"
        raise OciError(MANIFEST_UNKNOWN, detail)
    return find(repository, digest=str(child.digest))


@dataclass(frozen=True, slots=True)
class Pushed:
    """A stored manifest: what it is known by, and what it is attached to."""

    digest: Digest
    subject: Digest | None


def put(
    context: RequestContext,
    *,
    repository: str,
    names: Sequence[str],
    digest: Digest | None,
    media_type: str,
    content: bytes,
    rules: Rules,
    driver: StorageDriver,
) -> Pushed:
    """Store a manifest, and let the tags `names` point at it.

    With `digest` the content must have it. The driver holds the configuration of an image, which says what it runs on.
    When this returns, manifest, tags and events are on disk together: an event a tag, or one without.

    Raises OciError: MANIFEST_INVALID, DIGEST_INVALID, DENIED, MANIFEST_BLOB_UNKNOWN.
    """
    document = parse_manifest(content, media_type)
    found = digest_of(content, digest.algorithm if digest else CANONICAL)
    if digest is not None and digest != found:
        raise OciError(DIGEST_INVALID, f"the manifest's digest is {found}")
    rules.check(document)
    required = rules.required(document)
    manifest = Reference(media_type, str(found), len(content))
    platforms = find_platforms(document, driver, among=required)
    described = describe(document, platforms)

    def store() -> None:
        repository_id = blobs.repository_id(repository)
        check_references(repository_id, document, required)
        manifest_id = rows.store(repository_id, manifest, document, content, platforms=platforms)
        pointed = {
            name: tags.point(repository_id, name, manifest_id, manifest, repository=repository)
            for name in sorted(names)  # two pushes that wait for each other are rarer in one order
        }
        for name in names or ("",):
            tagged, moved_from = pointed.get(name, tags.Pointed())
            known = replace(described, tagged=tagged, moved_from=moved_from)
            references = _references(document)
            announce.manifest_pushed(context, repository, manifest, tag=name, references=references, known=known)

    run_transaction(store)
    return Pushed(found, document.subject.digest if document.subject else None)


def delete(context: RequestContext, repository: str, digest: str, *, is_protected: bool = False) -> None:
    """Remove the manifest and every tag that points at it, each with its event.

    Raises OciError: MANIFEST_UNKNOWN; DENIED for a protected one that is still needed.
    """

    def remove() -> None:
        found = rows.lock(repository, digest)
        if found is None:
            raise _unknown(repository, digest)
        if is_protected:
            check_manifest(repository, found)
        rows.remove(context, repository, found)

    run_transaction(remove)


def _load(repository: str, digest: str) -> Payload:
    row = _CONTENT.one(HUB_SOURCE_ID, repository, digest)
    if row is None:
        raise _unknown(repository, digest)
    media_type, content, platforms = row[0], bytes(row[1]), row[2].split()
    document = _parse_stored(content, media_type)
    target = manifest_target(
        repository,
        Reference(media_type, digest, len(content)),
        references=_references(document) if document else (),
        known=describe(document, platforms) if document else NOTHING,
    )
    payload = Payload(digest, media_type, content, target)
    payloads.keep(repository, payload)
    return payload


def _parse_stored(content: bytes, media_type: str) -> Document | None:
    """None for rows of an older rule, which are served as they are."""
    try:
        return parse_manifest(content, media_type)
    except OciError:
        return None


def _references(document: Document) -> tuple[Reference, ...]:
    return tuple(Reference(item.media_type, str(item.digest), item.size) for item in document.references)


def _unknown(repository: str, reference: str) -> OciError:
    return OciError(MANIFEST_UNKNOWN, {"name": repository, "reference": reference})
