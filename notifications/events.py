"""The wire shape of an event and of an envelope, shared by everyone who sends, stores or receives them.

Pure: no framework, no database. Field names and order are those of CNCF Distribution's `notifications/event.go`
as observed on the wire (reference C.2). `action: check` is ours and never leaves the hub under that name; `action:
notice`, a message about a webhook, is ours too and goes only to endpoints that ask for it.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import orjson
from pydantic_core import to_json

MEDIA_TYPE_V1 = "application/vnd.docker.distribution.events.v1+json"
MEDIA_TYPE_V2 = "application/vnd.docker.distribution.events.v2+json"
MEDIA_TYPE_PROBE = "application/vnd.registryhub.probe.v1+json"
"""Of the target of an event by which a hub examines itself. No endpoint gets it."""
MEDIA_TYPE_UNTOLD = "application/vnd.registryhub.manifest"
"""Of a manifest of which the sender tells neither media type nor tag; without a type it would be taken for a blob."""

Action = Literal["push", "pull", "mount", "delete", "check", "notice"]
ACTIONS: frozenset[str] = frozenset(("push", "pull", "mount", "delete", "check", "notice"))

MAX_ID_LENGTH = 128
MAX_SIZE = 2**63 - 1
_TEXT_LIMITS = {"repository": 255, "tag": 128, "digest": 140, "media_type": 255, "actor": 255, "address": 255}


class InvalidEvent(ValueError):
    """The document is no event; the text says which field and why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A descriptor that a manifest refers to."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a repository. `timestamp` is aware; `size` is in bytes; empty text means absent."""

    id: str
    timestamp: datetime
    action: Action
    repository: str
    tag: str = ""
    digest: str = ""
    media_type: str = ""
    size: int = 0
    url: str = ""
    from_repository: str = ""
    references: tuple[Reference, ...] = ()
    request_id: str = ""
    address: str = ""
    host: str = ""
    method: str = ""
    user_agent: str = ""
    actor: str = ""
    source_address: str = ""
    instance_id: str = ""


class _Randomness:
    """The system's random numbers of 80 bits, fetched many at a time: each call to the system gives up the
    interpreter, and under load that costs more than the number. A forked child fetches its own.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        os.register_at_fork(after_in_child=self._fetch)

    def next(self) -> int:
        while True:
            try:
                return self._numbers.pop()
            except IndexError:
                self._fetch()

    def _fetch(self) -> None:
        data = os.urandom(10 * 256)
        self._numbers = [int.from_bytes(data[start : start + 10], "big") for start in range(0, len(data), 10)]


_randomness = _Randomness()


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random; it sorts by time and keeps indexes dense."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | _randomness.next()
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def document(event: Event) -> dict[str, Any]:
    """The event as the wire has it: a JSON object with the reference's fields in the reference's order."""
    target: dict[str, Any] = {"mediaType": event.media_type, "digest": event.digest, "size": event.size}
    if event.size:
        target["length"] = event.size
    target["repository"] = event.repository
    for name, value in (("fromRepository", event.from_repository), ("url", event.url), ("tag", event.tag)):
        if value:
            target[name] = value
    if event.references:
        target["references"] = [
            {"mediaType": item.media_type, "digest": item.digest, "size": item.size} for item in event.references
        ]
    request: dict[str, Any] = {"id": event.request_id}
    if event.address:
        request["addr"] = event.address
    if event.host:
        request["host"] = event.host
    request["method"] = event.method
    request["useragent"] = event.user_agent
    return {
        "id": event.id,
        "timestamp": format_timestamp(event.timestamp),
        "action": event.action,
        "target": target,
        "request": request,
        "actor": {"name": event.actor} if event.actor else {},
        "source": {"addr": event.source_address, "instanceID": event.instance_id},
    }


def encode(event: Event) -> bytes:
    """One JSON document without a line break: what the journal, the intake and `Event.raw` hold."""
    return orjson.dumps(document(event))


def format_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(raw: bytes | str) -> Event:
    """Read one event document. Raises InvalidEvent."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidEvent(f"not JSON: {error}") from error
    return from_document(value)


def from_document(value: Any) -> Event:
    """Read one event from decoded JSON: Distribution v2.8 and v3 alike. Raises InvalidEvent."""
    if not isinstance(value, dict):
        raise InvalidEvent("an event is a JSON object")
    action = value.get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        raise InvalidEvent(f"action: {action!r} is none of {', '.join(sorted(ACTIONS))}")
    target = _object(value, "target")
    request = _object(value, "request")
    source = _object(value, "source")
    size = target.get("size", 0) or target.get("length", 0) or 0
    if not isinstance(size, int) or not 0 <= size <= MAX_SIZE:
        raise InvalidEvent(f"target.size: {size!r} is no number of bytes")
    event = Event(
        id=_text(value, "id"),
        timestamp=_moment(value.get("timestamp")),
        action=cast(Action, action),
        repository=_text(target, "repository"),
        tag=_text(target, "tag"),
        digest=_text(target, "digest"),
        media_type=_text(target, "mediaType"),
        size=size,
        url=_text(target, "url"),
        from_repository=_text(target, "fromRepository"),
        references=_references(target.get("references")),
        request_id=_text(request, "id"),
        address=_text(request, "addr"),
        host=_text(request, "host"),
        method=_text(request, "method"),
        user_agent=_text(request, "useragent"),
        actor=_text(_object(value, "actor"), "name"),
        source_address=_text(source, "addr"),
        instance_id=_text(source, "instanceID"),
    )
    _check_limits(event)
    return event


def as_pull(checked: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a check as the reference would have sent it: a pull whose request method is HEAD, same id."""
    request = {**_object(checked, "request"), "method": "HEAD"}
    return {**checked, "action": "pull", "request": request}


def render_envelope(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """The body of a notification, byte for byte as Go's encoder writes it (reference C.2).

    Indented by three spaces, `<`, `>`, `&` and the two Unicode line separators escaped, no trailing line break.
    """
    body = to_json({"events": documents}, indent=3)
    for plain, escaped in _GO_ESCAPES if body.isascii() else _ALL_GO_ESCAPES:
        if plain in body:
            body = body.replace(plain, escaped)
    return body


_GO_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
_ALL_GO_ESCAPES = (*_GO_ESCAPES, ("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidEvent(f"{name}: expected a JSON object")
    return found


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InvalidEvent(f"{name}: expected text")
    return found


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise InvalidEvent("timestamp: expected RFC 3339 text")
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(f"timestamp: {value!r} is not RFC 3339") from error


def _references(value: object) -> tuple[Reference, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        Reference(media_type=_text(item, "mediaType"), digest=_text(item, "digest"), size=int(item.get("size") or 0))
        for item in value
        if isinstance(item, dict) and isinstance(item.get("size") or 0, int)
    )


def _check_limits(event: Event) -> None:
    if not event.id or len(event.id) > MAX_ID_LENGTH:
        raise InvalidEvent(f"id: expected 1 to {MAX_ID_LENGTH} characters")
    if not event.repository:
        raise InvalidEvent("target.repository: missing")
    for name, limit in _TEXT_LIMITS.items():
        if len(getattr(event, name)) > limit:
            raise InvalidEvent(f"{name}: longer than {limit} characters")
    if len(event.method) > 10 or len(event.from_repository) > 255:
        raise InvalidEvent("request.method or target.fromRepository: too long")
    for name in ("id", "user_agent", "method", "from_repository", *_TEXT_LIMITS):
        if "\x00" in getattr(event, name):
            raise InvalidEvent(f"{name}: a NUL character cannot be stored")
