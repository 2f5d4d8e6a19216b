"""The wire of uploads: POST, GET, PATCH, PUT, DELETE (reference B.9). Bodies are bytes, never forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from registryhub.http.request import Request
from registryhub.http.response import Headers, Response
from registryhub.oci.digests import CANONICAL, Digest, digest_of, parse_algorithm, parse_digest
from registryhub.oci.errors import (
    BLOB_UPLOAD_MALFORMED,
    BLOB_UPLOAD_UNKNOWN,
    DIGEST_INVALID,
    RANGE_INVALID,
    SIZE_INVALID,
    OciError,
)
from registryhub.oci.media_types import base_type
from registryhub.oci.names import parse_repository
from registryhub.registry import blobs
from registryhub.registry import uploads as rules
from registryhub.registry.announce import RequestContext
from registryhub.registry.ingest import Incoming
from registryhub.registry.progress import Progress, WrongOffset
from registryhub.v2.hub import Hub
from registryhub.v2.states import decode_state, encode_state
from registryhub.v2.urls import blob_url, upload_url

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]+|\*))?")


def start(hub: Hub, request: Request, context: RequestContext, name: str) -> Response:
    """202 and where to send the bytes; 201 when they are there already (`mount`, `from`) or in the body (`digest`)."""
    algorithm = parse_algorithm(request.query.get("digest-algorithm") or CANONICAL)
    mounted = _mount(hub, request, context, name)
    if mounted is not None:
        return _created(hub, request, name, mounted)
    digest = _digest_of_body(request)
    if digest is None:
        return _accepted(hub, request, rules.start(hub.store, name, algorithm), 202)
    rules.store_blob(hub.store, context, name, Incoming(request.body, request.content_length), digest)
    return _created(hub, request, name, digest)


def status(hub: Hub, request: Request, context: RequestContext, name: str, upload_id: str) -> Response:
    """204 with how far the upload came, and where it goes on; needs no `_state`."""
    return _accepted(hub, request, rules.find_upload(name, _parse_id(upload_id)), 204)


def patch(hub: Hub, request: Request, context: RequestContext, name: str, upload_id: str) -> Response:
    """202 when the chunk is stored."""
    with _placed(hub, request):
        at = _position(hub, request, name, upload_id)
        content_type = request.header("Content-Type")
        if content_type is not None and base_type(content_type) != "application/octet-stream":
            detail = f"Content-Type {content_type} is none for bytes; send application/octet-stream"
            raise OciError(BLOB_UPLOAD_MALFORMED, detail)
        return _accepted(hub, request, rules.append(hub.store, at, _incoming(request, at)), 202)


def finish(hub: Hub, request: Request, context: RequestContext, name: str, upload_id: str) -> Response:
    """201 when the blob is stored, linked and announced."""
    with _placed(hub, request):
        at = _position(hub, request, name, upload_id)
        digest = _closing_digest(request)
        rules.finish(hub.store, context, at, _incoming(request, at), digest)
    return _created(hub, request, name, digest)


def cancel(hub: Hub, request: Request, context: RequestContext, name: str, upload_id: str) -> Response:
    """204 when the upload is forgotten."""
    at = _position(hub, request, name, upload_id)
    rules.cancel(hub.store, name, at.id)
    return Response(204, [("docker-upload-uuid", upload_id)])


def _mount(hub: Hub, request: Request, context: RequestContext, name: str) -> Digest | None:
    """Whatever stands against a mount, the client then uploads (OCI distribution-spec 1.1 "Mounting a blob").

    Without `from` the hub looks for a source itself. Whoever may write may read every repository of `/v2/`.
    """
    mount = request.query.get("mount")
    if not mount:
        return None
    try:
        digest = parse_digest(mount)
        source = parse_repository(request.query["from"]) if request.query.get("from") else None
    except OciError:
        return None
    source = source or blobs.find_source(name, digest)
    is_mounted = source is not None and blobs.mount_blob(hub.driver, context, name, digest, source)
    return digest if is_mounted else None


def _digest_of_body(request: Request) -> Digest | None:
    """What the body of a POST claims to be; None when the client only wants to start.

    Some clients name the digest when they start, with `Content-Length: 0`: they must get their 202. An empty body is
    the blob only where the digest is that of no bytes; then nothing else could ever be sent.
    """
    if "digest" not in request.query:
        return None
    if request.has_body:
        return _closing_digest(request)
    try:
        digest = parse_digest(request.query["digest"])
    except OciError:
        return None
    return digest if digest == digest_of(b"", digest.algorithm) else None


def _closing_digest(request: Request) -> Digest:
    text = request.query.get("digest")
    if not text:
        raise OciError(DIGEST_INVALID, "digest missing: close an upload with ?digest=<algorithm>:<hex>")
    return parse_digest(text)


def _position(hub: Hub, request: Request, name: str, upload_id: str) -> Progress:
    canonical = str(_parse_id(upload_id))
    return decode_state(hub.http_secret, request.query.get("_state"), repository=name, upload_id=canonical)


def _parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise OciError(BLOB_UPLOAD_UNKNOWN, text) from error


def _incoming(request: Request, at: Progress) -> Incoming:
    """The body, with what Content-Length and Content-Range promise of it. Raises WrongOffset, OciError."""
    length = request.content_length
    text = request.header("Content-Range")
    if text is None:
        return Incoming(request.body, length)
    found = _CONTENT_RANGE.fullmatch(text)
    if found is None:
        raise OciError(BLOB_UPLOAD_MALFORMED, f"Content-Range {text} is not <start>-<end>, such as 0-1023")
    first, last = int(found[1]), int(found[2])
    if first != at.offset or last < first:
        raise WrongOffset(at)
    count = last - first + 1
    if length is not None and length != count:
        raise OciError(SIZE_INVALID, f"Content-Range {text} is {count} bytes, Content-Length says {length}")
    return Incoming(request.body, count, may_exceed=length is None)


@contextmanager
def _placed(hub: Hub, request: Request) -> Iterator[None]:
    """Whoever is at the wrong offset is told the right one."""
    try:
        yield
    except WrongOffset as error:
        raise _out_of_range(hub, request, error) from error


def _out_of_range(hub: Hub, request: Request, error: WrongOffset) -> OciError:
    """416 that says where the upload stands and where it goes on."""
    detail = f"{error}; go on from there, at the Location of this answer"
    return OciError(RANGE_INVALID, detail, headers=tuple(_progress_headers(hub, request, error.progress)))


def _accepted(hub: Hub, request: Request, progress: Progress, code: int) -> Response:
    headers = _progress_headers(hub, request, progress)
    if code == 204:
        return Response(code, headers)
    headers.append(("content-length", "0"))
    if hub.driver.min_chunk_bytes:
        headers.append(("oci-chunk-min-length", str(hub.driver.min_chunk_bytes)))
    return Response(code, headers)


def _progress_headers(hub: Hub, request: Request, progress: Progress) -> Headers:
    state = encode_state(hub.http_secret, progress)
    return [
        ("location", upload_url(hub, request, progress.repository, progress.id, state)),
        ("range", f"0-{max(progress.offset - 1, 0)}"),
        ("docker-upload-uuid", str(progress.id)),
    ]


def _created(hub: Hub, request: Request, name: str, digest: Digest) -> Response:
    return Response(
        201,
        [
            ("location", blob_url(hub, request, name, str(digest))),
            ("docker-content-digest", str(digest)),
            ("content-length", "0"),
        ],
    )
