"""The wire of manifests: GET, HEAD, PUT, DELETE (reference B.6, B.7, B.10)."""

from registryhub.http.request import Request
from registryhub.http.response import Response
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import (
    MANIFEST_INVALID,
    MANIFEST_TOO_LARGE,
    MANIFEST_UNKNOWN,
    SIZE_INVALID,
    UNSUPPORTED,
    OciError,
)
from registryhub.oci.manifests import Platform
from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST, Accept, base_type, parse_accept
from registryhub.registry import announce, manifests, tags
from registryhub.registry.announce import RequestContext
from registryhub.registry.payloads import Payload
from registryhub.v2.hub import Hub
from registryhub.v2.urls import manifest_url

_CHUNK_BYTES = 1 << 18
_LEGACY_PLATFORM = Platform(os="linux", architecture="amd64")
"""What a client that knows no lists gets of a docker list, by tag."""


def get(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """GET and HEAD. A 200 to a GET is a pull; a HEAD and a 304 are checks; a refusal is neither."""
    digest = str(parse_digest(reference)) if ":" in reference else ""
    tag = "" if digest else reference
    found = manifests.find(name, tag=tag, digest=digest)
    if_none_match = request.environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match and _matches(if_none_match, found.digest):
        return _not_modified(context, found, tag)
    served = _negotiate(name, found, parse_accept(request.environ.get("HTTP_ACCEPT")), is_by_tag=bool(tag))
    if if_none_match and served is not found and _matches(if_none_match, served.digest):
        return _not_modified(context, served, tag)
    headers = [
        ("content-type", served.media_type),
        ("content-length", str(len(served.content))),
        ("docker-content-digest", served.digest),
        ("etag", f'"{served.digest}"'),
    ]
    if request.method == "HEAD":
        announce.manifest_checked(context, served.target, tag)
        return Response(200, headers)
    announce.manifest_pulled(context, served.target, tag)
    return Response(200, headers, served.content)


def put(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """201 after a durable commit; the tag is readable and the event is in the log."""
    digest = parse_digest(reference) if ":" in reference else None
    hub.store.require_room()
    content = _read_body(request, hub.config.hub.limits.manifest_bytes)
    stored = manifests.put(
        context,
        repository=name,
        tag="" if digest else reference,
        digest=digest,
        media_type=_content_type(request),
        content=content,
    )
    return _created(hub, request, name, stored)


def delete(hub: Hub, request: Request, context: RequestContext, name: str, reference: str) -> Response:
    """By tag only the tag goes; by digest the manifest and all its tags. Both need `storage.delete.enabled`."""
    if not hub.config.storage.delete.enabled:
        raise OciError(UNSUPPORTED, "deleting is off; set storage.delete.enabled to allow it")
    if ":" in reference:
        manifests.delete(context, name, str(parse_digest(reference)))
    else:
        tags.delete(context, name, reference)
    return Response(202, [("content-length", "0")])


def _negotiate(name: str, found: Payload, accept: Accept, *, is_by_tag: bool) -> Payload:
    """What of the found manifest this client can read (reference B.6, with the mends of its section L)."""
    if found.media_type == DOCKER_LIST and is_by_tag and not accept.names(DOCKER_LIST):
        child = manifests.find_child(name, found, _LEGACY_PLATFORM)
        if child.media_type == DOCKER_MANIFEST and not accept.allows(DOCKER_MANIFEST):
            raise OciError(MANIFEST_INVALID, "Schema 2 manifest not supported by client")
        found = child
    if found.media_type == OCI_MANIFEST and not accept.allows(OCI_MANIFEST):
        message = "OCI manifest found, but accept header does not support OCI manifests"
        raise OciError(MANIFEST_UNKNOWN, message=message)
    return found


def _matches(if_none_match: str, digest: str) -> bool:
    """RFC 9110 §13.1.2, weakly compared; the bare digest counts too, as clients of the reference send it."""
    items = (item.strip().removeprefix("W/").strip('"') for item in if_none_match.split(","))
    return any(item in (digest, "*") for item in items)


def _not_modified(context: RequestContext, found: Payload, tag: str) -> Response:
    announce.manifest_checked(context, found.target, tag)
    return Response(304, [("docker-content-digest", found.digest), ("etag", f'"{found.digest}"')])


def _created(hub: Hub, request: Request, name: str, digest: Digest) -> Response:
    headers = [
        ("location", manifest_url(hub, request, name, str(digest))),
        ("docker-content-digest", str(digest)),
        ("content-length", "0"),
    ]
    return Response(201, headers)


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
