"""Golden samples: a payload as its sender documents it, and beside it the headers it comes with and what it tells."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notifications.events import format_timestamp
from notifications.log.readers import ReadEvent, Unreadable
from notifications.receiver.adapters.reader import Part, readings
from notifications.receiver.arrivals import complete
from registryhub.http.request import Request

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(path.name.removesuffix(".expected.json") for path in GOLDEN.glob("*.expected.json"))


def payload(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.expected.json").read_text())
    return found


def stored(body: bytes, headers: Mapping[str, str]) -> bytes:
    """What the receiver keeps of a request."""
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    if "Content-Type" in headers:
        environ["CONTENT_TYPE"] = headers["Content-Type"]
    return complete(Request({"REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1/events", **environ}), body)


def parts(body: bytes, headers: Mapping[str, str]) -> list[Part]:
    """What is read of a request. Raises InvalidEnvelope and OciError."""
    return list(readings(stored(body, headers), is_strict=True))


def tell(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """What a request tells, without what is empty, and without times and ids that are those of its arrival."""
    found = parts(body, headers)
    assert not [part for part in found if isinstance(part, Unreadable)]
    events = [part for part in found if isinstance(part, ReadEvent)]
    is_dated = b"org.registryhub.arrival" not in stored(body, headers)
    return {"events": [_fields(part, is_dated=is_dated) for part in events], "ignored": len(found) - len(events)}


def _fields(part: ReadEvent, *, is_dated: bool) -> dict[str, Any]:
    fields = {name: value for name, value in part.event._asdict().items() if value}
    fields["timestamp"] = format_timestamp(part.event.timestamp)
    return fields if is_dated else {name: fields[name] for name in fields if name not in ("id", "timestamp")}
