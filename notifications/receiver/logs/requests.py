"""What a request that was answered says about images. Pure.

A log does not tell everything: of a tag not the digest, and mostly no media type. That stays empty.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from notifications.receiver.adapters.payloads import split_reference, wire_event

BLOB = "application/octet-stream"

_PATH = re.compile(r"(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")
_ORIGIN = re.compile(r"[a-z]+://[^/]*")
_DEEDS = {
    ("GET", "manifests", 200): "pull",
    ("GET", "manifests", 304): "check",
    ("HEAD", "manifests", 200): "check",
    ("HEAD", "manifests", 304): "check",
    ("PUT", "manifests", 201): "push",
    ("DELETE", "manifests", 202): "delete",
    ("GET", "blobs", 200): "pull",
    ("GET", "blobs", 206): "pull",
    ("GET", "blobs", 307): "pull",  # the bytes come from the object store
    ("GET", "blobs", 304): "check",
    ("HEAD", "blobs", 200): "check",
    ("HEAD", "blobs", 304): "check",
}


class InvalidLine(ValueError):
    """The line is none of this kind of log; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request as a log has it. `target` may have a query; `size` is that of the body; empty text means absent."""

    address: str
    timestamp: str
    method: str
    target: str
    status: int
    size: int
    user: str = ""
    user_agent: str = ""
    host: str = ""
    request_id: str = ""
    media_type: str = ""


def tell(answered: Answered, *, prefix: str) -> dict[str, Any] | None:
    """The wire document of it, without an id; None when it is no pull, check, push or delete.

    `prefix` is where the registry stands on its host, `/v2/` unless a proxy has moved it.
    """
    path = unquote(_ORIGIN.sub("", answered.target.partition("?")[0], count=1))
    found = _PATH.fullmatch(path.removeprefix(prefix)) if path.startswith(prefix) else None
    action = found and _DEEDS.get((answered.method, found["kind"], answered.status))
    if not found or not action:
        return None
    tag, digest = split_reference(found["reference"])
    is_blob = found["kind"] == "blobs"
    return wire_event(
        action=action,
        repository=found["repository"],
        timestamp=answered.timestamp,
        tag=None if is_blob else tag,
        digest=found["reference"] if is_blob else digest,
        media_type=BLOB if is_blob else answered.media_type,
        size=answered.size if action == "pull" else None,
        actor=answered.user,
        request={
            "id": answered.request_id,
            "addr": answered.address,
            "host": answered.host,
            "method": answered.method,
            "useragent": answered.user_agent,
        },
    )
