"""The wire of manifests: GET, HEAD, PUT, DELETE (reference B.6, B.7, B.10)."""

from registryhub.http.conditions import is_known
from registryhub.http.request import Request
from registryhub.http.response import Response
from registryhub.oci.digests import parse_digest
from registryhub.oci.errors import (
    MANIFEST_INVALID,
    MANIFEST_TOO_LARGE,
    MANIFEST_UNKNOWN,
    SIZE_INVALID,
    TAG_INVALID,
    TOO_MANY_TAGS,
    OciError,
)
from registryhub.oci.manifests import Platform
from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST, Accept, base_type, parse_accept
from registryhub.oci.names import parse_tag
from registryhub.registry import announce, manifests, tags
from registryhub.registry.announce import RequestContext
from registryhub.registry.payloads import Payload
from registryhub.registry.protect import require_deleting
from registryhub.registry.rules import read_rules
from registryhub.v2.hub import Hub
from registryhub.v2.urls import manifest_url

MOST_TAGS = 50
"""That one PUT may set."""

_CHUNK_BYTES = 1 << 18
_LEGACY_PLATFORM = Platform(os="linux", architecture="amd64")
"""What a client that does not know them gets of a list of docker, by tag."""


def get(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """GET and HEAD. A 200 to a GET is a pull; a HEAD and a 304 are checks; a refusal is neither."""
    digest = str(parse_digest(reference)) if ":" in reference else ""
    tag = "" if digest else reference
    found = manifests.find(name, tag=tag, digest=digest)
    if is_known(request, found.digest):
        return _not_modified(context, found, tag)
    served = _negotiate(name, found, parse_accept(request.environ.get("HTTP_ACCEPT")), is_by_tag=bool(tag))
    if served is not found and is_known(request, served.digest):
        return _not_modified(context, served, tag)
    headers = [
        ("content-type", served.media_type),
        ("content-length", str(len(served.content))),
        ("docker-content-digest", served.digest),
        ("etag", f'"{served.digest}"'),
    ]
    if request.method == "HEAD":
        if digest:
            manifests.keep_for_push(name, digest)
        announce.manifest_checked(context, served.target, tag)
        return Response(200, headers)
    announce.manifest_pulled(context, served.target, tag)
    return Response(200, headers, served.content)


def put(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """201 after a durable commit; the tags are readable and the events are in the log."""
    digest = parse_digest(reference) if ":" in reference else None
    names = _tags(request, reference, is_by_digest=digest is not None)
    hub.store.require_room()
    pushed = manifests.put(
        context,
        repository=name,
        names=names,
        digest=digest,
        media_type=_content_type(request),
        content=_read_body(request, hub.config.hub.limits.manifest_bytes),
        rules=read_rules(hub.config),
        driver=hub.store.driver,
    )
    headers = [
        ("location", manifest_url(hub, request, name, str(pushed.digest))),
        ("docker-content-digest", str(pushed.digest)),
        ("content-length", "0"),
    ]
    if pushed.subject is not None:
        headers.append(("oci-subject", str(pushed.subject)))
    if digest is not None:
        headers += [("oci-tag", tag) for tag in names]
    return Response(201, headers)


def delete(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """By tag only the tag goes; by digest the manifest and all its tags. Both need `storage.delete.enabled`."""
    require_deleting(hub.config)
    if ":" in reference:
        is_protected = hub.config.hub.delete.protect
        manifests.delete(context, name, str(parse_digest(reference)), is_protected=is_protected)
    else:
        tags.delete(context, name, reference)
    return Response(202, [("content-length", "0")])


def _tags(request: Request, reference: str, *, is_by_digest: bool) -> list[str]:
    """What is to point at the manifest, each once: the reference, or by digest the tags that the query lists.

    Raises OciError: TAG_INVALID, and with 414 for more than MOST_TAGS.
    """
    listed = request.query_all("tag")
    if not is_by_digest:
        if listed:
            raise OciError(TAG_INVALID, "tags in the query go with a digest in the path", message="invalid tag")
        return [reference]
    if len(listed) > MOST_TAGS:
        raise OciError(TOO_MANY_TAGS, f"{len(listed)} tags; at most {MOST_TAGS} go with one manifest")
    return list(dict.fromkeys(parse_tag(tag) for tag in listed))


def _negotiate(name: str, found: Payload, accept: Accept, *, is_by_tag: bool) -> Payload:
    """What of the found manifest this client can read (reference B.6, with the mends of its section L).

    A client that says nothing, or nothing that covers lists of docker, gets the image of a list for one platform.
    """
    if found.media_type == DOCKER_LIST and is_by_tag and (accept.is_absent or not accept.allows(DOCKER_LIST)):
        found = manifests.find_child(name, found, _LEGACY_PLATFORM)
        if found.media_type == DOCKER_MANIFEST and not accept.allows(DOCKER_MANIFEST):
            raise OciError(MANIFEST_INVALID, "Schema 2 manifest not supported by client")
    if found.media_type == OCI_MANIFEST and not accept.allows(OCI_MANIFEST):
        message = "OCI manifest found, but accept header does not support OCI manifests"
        raise OciError(MANIFEST_UNKNOWN, message=message)
    return found


def _not_modified(context: RequestContext, found: Payload, tag: str) -> Response:
    announce.manifest_checked(context, found.target, tag)
    return Response(304, [("docker-content-digest", found.digest), ("etag", f'"{found.digest}"')])


def _content_type(request: Request) -> str:
    header = request.header("Content-Type")
    if header is None:
        raise OciError(MANIFEST_INVALID, "the Content-Type is missing; it must be the media type of the manifest")
    return base_type(header)


def _read_body(request: Request, limit: int) -> bytes:
    expected = request.content_length
    if expected is not None and expected > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    while chunk := request.body.read(_CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    if expected is not None and size < expected:
        raise OciError(SIZE_INVALID, f"the body ended after {size} of {expected} bytes")
    return b"".join(chunks)


def _too_large(limit: int) -> OciError:
    return OciError(MANIFEST_TOO_LARGE, f"the manifest is larger than {limit} bytes")
