"""The wire of blobs: GET, HEAD, DELETE (reference B.8; RFC 9110 for conditions and ranges)."""

import re
from collections.abc import Iterator

from registryhub.http.request import Request
from registryhub.http.response import Headers, Response
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import BLOB_UNKNOWN, RANGE_INVALID, UNSUPPORTED, OciError
from registryhub.registry import announce
from registryhub.registry import blobs as rules
from registryhub.registry.announce import RequestContext
from registryhub.storage.base import Reader
from registryhub.v2.hub import Hub

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")
_SMALL_BYTES = 1 << 18


def get(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """200 or 206 is a pull, 304 a check; anything else is neither."""
    wanted = parse_digest(digest)
    size = rules.find_blob(name, wanted)
    if _matches(request.header("If-None-Match"), wanted):
        announce.blob_checked(context, name, digest, size)
        return Response(304, _validators(wanted))
    part = _wanted_part(request, wanted, size)
    start, length = part or (0, size)
    reader = rules.open_blob(hub.driver, wanted, start=start, length=length)
    try:
        body = _body(reader, length)
        announce.blob_pulled(context, name, digest, size)
    except BaseException:
        reader.close()
        raise
    headers = [*_headers(wanted), ("content-length", str(length))]
    if part is None:
        return Response(200, headers, body)
    return Response(206, [*headers, ("content-range", f"bytes {start}-{start + length - 1}/{size}")], body)


def head(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """What a GET would say; a check. A blob whose bytes are lost is unknown, so that it is pushed again."""
    wanted = parse_digest(digest)
    size = rules.find_blob(name, wanted)
    if not rules.is_stored(hub.driver, wanted, size):
        raise OciError(BLOB_UNKNOWN, digest)
    announce.blob_checked(context, name, digest, size)
    if _matches(request.header("If-None-Match"), wanted):
        return Response(304, _validators(wanted))
    return Response(200, [*_headers(wanted), ("content-length", str(size))])


def delete(hub: Hub, request: Request, context: RequestContext, name: str, digest: str) -> Response:
    """202 when the repository no longer has the blob; others keep it (reference B.10)."""
    if not hub.config.storage.delete.enabled:
        raise OciError(UNSUPPORTED, "deleting is off; set storage.delete.enabled to allow it")
    rules.unlink_blob(context, name, parse_digest(digest))
    return Response(202, [("content-length", "0")])


class _Download:
    """The rest of a blob, after the first chunk was read to see that it can be."""

    def __init__(self, reader: Reader, chunks: Iterator[bytes], first: bytes) -> None:
        self._reader = reader
        self._chunks = chunks
        self._first = first

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._chunks

    def close(self) -> None:
        self._reader.close()


def _body(reader: Reader, length: int) -> bytes | _Download:
    """A small body whole, a large one as it is read. Nothing is announced before the first bytes are at hand."""
    if length <= _SMALL_BYTES:
        try:
            return b"".join(reader)
        finally:
            reader.close()
    chunks = iter(reader)
    return _Download(reader, chunks, next(chunks))


def _validators(digest: Digest) -> Headers:
    return [
        ("docker-content-digest", str(digest)),
        ("etag", f'"{digest}"'),
        ("cache-control", "max-age=31536000"),
    ]


def _headers(digest: Digest) -> Headers:
    return [*_validators(digest), ("content-type", "application/octet-stream"), ("accept-ranges", "bytes")]


def _matches(condition: str | None, digest: Digest) -> bool:
    """If-None-Match: a list of tags, quoted or not, weak or not, or `*`."""
    if condition is None:
        return False
    tags = {item.strip().removeprefix("W/").strip('"') for item in condition.split(",")}
    return str(digest) in tags or "*" in tags


def _wanted_part(request: Request, digest: Digest, size: int) -> tuple[int, int] | None:
    """Start and length of the range asked for; None for the whole.

    Several ranges, other units and what cannot be read are ignored, as RFC 9110 allows; so is any range of an empty
    blob, since some clients always send one. Raises OciError(RANGE_INVALID) for a range that is outside.
    """
    asked = request.header("Range")
    if asked is None or size == 0 or request.header("If-Range") not in (None, f'"{digest}"'):
        return None
    found = _RANGE.fullmatch(asked)
    if found is None:
        return None
    first, last = found.groups()
    if not (first or last) or (first and last and int(last) < int(first)):
        return None
    start, end = _bounds(first, last, size)
    if start > end:
        raise OciError(RANGE_INVALID, f"the blob has {size} bytes", headers=(("content-range", f"bytes */{size}"),))
    return start, end - start + 1


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range; the first is behind the last when nothing of it is there."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
