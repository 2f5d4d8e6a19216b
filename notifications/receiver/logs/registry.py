"""The log of CNCF Distribution itself, as text or JSON: its lines `response completed`.

It tells more than an access log: the media type, the time to the nanosecond, and an id of the request.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from notifications.receiver.logs.escapes import unescape
from notifications.receiver.logs.requests import Answered, InvalidLine

_FIELD = re.compile(rb'([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?: |$)')
_COMPLETED = "response completed"
_STARTS = (b"time=", b"{")


def looks_like(line: bytes) -> bool:
    """Whether it is a line of such a log, though perhaps not of a request."""
    try:
        return "msg" in _fields(line)
    except InvalidLine:
        return False


def read_line(line: bytes) -> Answered | None:
    """None for what else it logs. Raises InvalidLine."""
    fields = _fields(line)
    if "msg" not in fields:
        raise InvalidLine("expected a line of the registry's log, as text or JSON")
    if fields["msg"] != _COMPLETED:
        return None

    def text(name: str) -> str:
        found = fields.get(name)
        return found if isinstance(found, str) else ""

    method = text("http.request.method")
    return Answered(
        address=text("http.request.remoteaddr"),
        timestamp=text("time"),
        method=method,
        target=text("http.request.uri"),
        status=_number(fields.get("http.response.status")),
        size=_number(fields.get("http.response.written")),
        user=text("auth.user.name"),
        user_agent=text("http.request.useragent"),
        host=text("http.request.host"),
        request_id=text("http.request.id"),
        media_type=text("http.request.contenttype" if method == "PUT" else "http.response.contenttype"),
    )


def _fields(line: bytes) -> Mapping[str, Any]:
    if not line.startswith(_STARTS):
        raise InvalidLine("expected a line of the registry's log, as text or JSON")
    if not line.startswith(b"{"):
        return {
            name.decode(): unescape(quoted) if quoted else bare.decode("utf-8", "replace")
            for name, quoted, bare in _FIELD.findall(line)
        }
    try:
        found: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidLine(f"expected a line of the registry's log: {error}") from error
    return found


def _number(value: object) -> int:
    """Zero for what is none; no body is as large as what is too large."""
    try:
        return int(str(value)[:18])
    except ValueError:
        return 0
