"""Reading a request's body with a limit, knowing that it may be cut short."""

from notifications.receiver.errors import ENVELOPE_INCOMPLETE, ENVELOPE_TOO_LARGE
from registryhub.http.request import Request
from registryhub.oci.errors import OciError

_CHUNK_BYTES = 256 << 10


def read_body(request: Request, limit_bytes: int, *, mend: str = "raise hub.limits.envelope_bytes") -> bytes:
    """The whole body, with a Content-Length or chunked.

    Raises OciError: 413 above the limit, unread where its length was told; 400 when less came than was announced.
    `mend` is what to do about the limit, besides sending less.
    A chunked body that was cut keeps its first part, which is no whole JSON document: parsing finds it out.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise _too_large(limit_bytes, mend)
    body = bytearray()
    while announced is None or len(body) < announced:
        wanted = _CHUNK_BYTES if announced is None else min(_CHUNK_BYTES, announced - len(body))
        chunk = request.body.read(wanted)
        if not chunk:
            break
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes, mend)
    if announced is not None and len(body) < announced:
        raise OciError(ENVELOPE_INCOMPLETE, f"Content-Length says {announced} bytes, {len(body)} came; nothing is kept")
    return bytes(body)


def discard_body(request: Request, limit_bytes: int) -> None:
    """Read what is left of the body, up to the limit, before it is refused; a sender far beyond it is cut off.

    A server that answers and hangs up while the client still sends makes the client see a broken connection instead
    of the reason.
    """
    left = limit_bytes
    while left > 0 and (chunk := request.body.read(_CHUNK_BYTES)):
        left -= len(chunk)


def _too_large(limit_bytes: int, mend: str) -> OciError:
    return OciError(
        ENVELOPE_TOO_LARGE, f"at most {limit_bytes} bytes are taken in; send fewer events at once, or {mend}"
    )
