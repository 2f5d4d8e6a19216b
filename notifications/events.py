"""The wire shape of an event and of an envelope, shared by everyone who sends, stores or receives them.

Pure: no framework, no database. Field names and order are those of CNCF Distribution's `notifications/event.go`
as observed on the wire (reference C.2). `action: check` is ours and never leaves the hub under that name; `action:
notice`, a message about a webhook, is ours too and goes only to endpoints that ask for it.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import gt
from typing import Any, Literal, NamedTuple, cast

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
_TEXT_LIMITS = {
    "id": MAX_ID_LENGTH,
    "target.repository": 255,
    "target.tag": 128,
    "target.digest": 140,
    "target.mediaType": 255,
    "actor.name": 255,
    "request.addr": 255,
    "request.useragent": sys.maxsize,
    "request.method": 10,
    "target.fromRepository": 255,
}


class InvalidEvent(ValueError):
    """The document is no event; the text says which field and why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A descriptor that a manifest refers to."""

    media_type: str
    digest: str
    size: int


class Event(NamedTuple):
    """One thing that happened to a repository. `timestamp` is aware; `size` is in bytes; empty text means absent.

    What the log has columns for stands first. Millions are made: as a frozen dataclass each took five times as long.
    """

    id: str
    timestamp: datetime
    action: Action
    repository: str
    tag: str = ""
    digest: str = ""
    media_type: str = ""
    size: int = 0
    actor: str = ""
    address: str = ""
    user_agent: str = ""
    method: str = ""
    from_repository: str = ""
    request_id: str = ""
    url: str = ""
    references: tuple[Reference, ...] = ()
    host: str = ""
    source_address: str = ""
    instance_id: str = ""


class _Ids:
    """The parts of ids, made ahead: random ends many at a time, the beginning once a millisecond.

    Each call to the system gives up the interpreter, and under load that costs more than the number. A forked child
    fetches its own.
    """

    def __init__(self) -> None:
        self._ends: list[str] = []
        self._begin = 0, ""
        os.register_at_fork(after_in_child=self._ends.clear)

    def next(self) -> str:
        milliseconds, begin = self._begin
        now = time.time_ns() // 1_000_000
        if now != milliseconds:
            text = f"{now:012x}"
            begin = f"{text[:8]}-{text[8:]}-7"
            self._begin = now, begin
        while True:
            try:
                return begin + self._ends.pop()
            except IndexError:
                self._fetch()

    def _fetch(self) -> None:
        text = os.urandom(10 * 256).hex()
        ends = (text[start : start + 19] for start in range(0, len(text), 20))
        self._ends += [f"{end[:3]}-{_VARIANTS[end[3]]}{end[4:7]}-{end[7:]}" for end in ends]


_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_ids = _Ids()


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random; it sorts by time and keeps indexes dense."""
    return _ids.next()


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
        _text(value, "id"),
        _moment(value.get("timestamp")),
        cast(Action, action),
        _text(target, "repository"),
        _text(target, "tag"),
        _text(target, "digest"),
        _text(target, "mediaType"),
        size,
        _text(_object(value, "actor"), "name"),
        _text(request, "addr"),
        _text(request, "useragent"),
        _text(request, "method"),
        _text(target, "fromRepository"),
        _text(request, "id"),
        _text(target, "url"),
        _references(target.get("references")),
        _text(request, "host"),
        _text(source, "addr"),
        _text(source, "instanceID"),
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
    found = value.get(name, "")
    if isinstance(found, str):
        return found
    if found is None:
        return ""
    raise InvalidEvent(f"{name}: expected text")


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise InvalidEvent("timestamp: expected RFC 3339 text")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is UTC:
            return moment
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
    if not event.id:
        raise InvalidEvent("id: missing")
    if not event.repository:
        raise InvalidEvent("target.repository: missing")
    texts = (event.id, *event[3:7], *event[8:13])
    if "\x00" in "".join(texts) or any(map(gt, map(len, texts), _TEXT_LIMITS.values())):
        for (name, limit), text in zip(_TEXT_LIMITS.items(), texts, strict=True):
            if len(text) > limit:
                raise InvalidEvent(f"{name}: longer than {limit} characters")
            if "\x00" in text:
                raise InvalidEvent(f"{name}: a NUL character cannot be stored")
