"""The wire of blobs: GET, HEAD, DELETE (reference B.8; RFC 9110 for conditions and ranges)."""

import secrets

from registryhub.http.conditions import is_changed, is_known, wants_part
from registryhub.http.near import shorten_send_buffers
from registryhub.http.ranges import Part, frame_parts, parse_ranges
from registryhub.http.request import Request
from registryhub.http.response import Headers, Response
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import RANGE_INVALID, OciError
from registryhub.registry import announce
from registryhub.registry import blobs as rules
from registryhub.registry.announce import RequestContext
from registryhub.registry.protect import require_deleting
from registryhub.storage.base import Reader
from registryhub.v2.downloads import close_all, read_one, read_several
from registryhub.v2.hub import Hub

LARGE_BYTES = 8 << 20
"""From this size on the buffers of a connection matter."""

_MEDIA_TYPE = "application/octet-stream"


def get(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """200 or 206 is one pull, however many parts it has; 304 a check; anything else is neither."""
    wanted = parse_digest(digest)
    size = rules.find_blob(name, wanted)
    if is_changed(request, digest):
        return _changed(wanted)
    if is_known(request, digest):
        announce.blob_checked(context, name, digest, size)
        return Response(304, _validators(wanted))
    parts = _wanted_parts(request, wanted, size)
    if parts is None:
        if size >= LARGE_BYTES:
            shorten_send_buffers(hub.config.http.listen[1])
        response = _one(hub, wanted, Part(0, size), size)
    elif len(parts) == 1:
        response = _one(hub, wanted, parts[0], size)
        response.status = 206
        response.headers.append(("content-range", parts[0].content_range(size)))
    else:
        response = _several(hub, wanted, parts, size)
    try:
        announce.blob_pulled(context, name, digest, size)
    except BaseException:
        response.close()
        raise
    return response


def head(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """What a GET of the whole would say; a check. Lost bytes are unknown, so that they are pushed again."""
    wanted = parse_digest(digest)
    size = rules.look_at_blob(hub.driver, name, wanted)
    if is_changed(request, digest):
        return _changed(wanted)
    announce.blob_checked(context, name, digest, size)
    if is_known(request, digest):
        return Response(304, _validators(wanted))
    return Response(200, _headers(wanted, size))


def delete(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """202 when the repository no longer has the blob; others keep it (reference B.10)."""
    require_deleting(hub.config)
    rules.unlink_blob(context, name, parse_digest(digest), is_protected=hub.config.hub.delete.protect)
    return Response(202, [("content-length", "0")])


def _one(hub: Hub, digest: Digest, part: Part, size: int) -> Response:
    reader = rules.open_blob(hub.driver, digest, size=size, start=part.start, length=part.length)
    try:
        return Response(200, _headers(digest, part.length), read_one(reader, part.length))
    except BaseException:
        reader.close()
        raise


def _several(hub: Hub, digest: Digest, parts: list[Part], size: int) -> Response:
    """Every part is opened before the first byte leaves: whoever is answered gets all of them."""
    boundary = secrets.token_hex(16)
    frame = frame_parts(parts, size=size, media_type=_MEDIA_TYPE, boundary=boundary)
    readers: list[Reader] = []
    try:
        for part in parts:
            readers.append(rules.open_blob(hub.driver, digest, size=size, start=part.start, length=part.length))
        body = read_several(readers, frame)
    except BaseException:
        close_all(readers)
        raise
    return Response(206, _headers(digest, frame.length, f"multipart/byteranges; boundary={boundary}"), body)


def _changed(digest: Digest) -> Response:
    """412: a blob never changes, so the client took it for another one."""
    return Response(412, [*_validators(digest), ("content-length", "0")])


def _validators(digest: Digest) -> Headers:
    return [
        ("docker-content-digest", str(digest)),
        ("etag", f'"{digest}"'),
        ("cache-control", "max-age=31536000"),
    ]


def _headers(digest: Digest, length: int, content_type: str = _MEDIA_TYPE) -> Headers:
    return [
        *_validators(digest),
        ("content-type", content_type),
        ("accept-ranges", "bytes"),
        ("content-length", str(length)),
    ]


def _wanted_parts(request: Request, digest: Digest, size: int) -> list[Part] | None:
    """The parts asked for; None for the whole, as also of an empty blob: some clients always send a range.

    Raises OciError(RANGE_INVALID) when none of them is there.
    """
    asked = request.header("Range")
    if asked is None or size == 0 or not wants_part(request, str(digest)):
        return None
    parts = parse_ranges(asked, size)
    if parts == []:
        raise OciError(RANGE_INVALID, f"the blob has {size} bytes", headers=(("content-range", f"bytes */{size}"),))
    return parts
