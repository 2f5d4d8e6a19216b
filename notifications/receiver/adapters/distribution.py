"""Envelopes of CNCF Distribution, media types v1 and v2, and the same as plain JSON (reference C.2).

`{"events": […]}`, a bare list of events, or one event alone.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import orjson

from notifications import events
from notifications.log.readers import ReadEvent, Reading, Unreadable
from notifications.receiver.adapters.split import InvalidEnvelope, split

MAX_REASON_LENGTH = 500

_EVENT_KEYS = frozenset(("id", "action", "target"))


def read(raw: bytes) -> Sequence[Reading]:
    """The events of a stored envelope, in their order; what is no event is Unreadable and holds up no other.

    Never raises for what the bytes say: bytes that are no envelope at all are one Unreadable.
    """
    try:
        return list(readings(raw))
    except InvalidEnvelope as error:
        return [Unreadable(raw, str(error))]


def readings(raw: bytes, *, is_strict: bool = False) -> Iterator[Reading]:
    """The same one by one. Raises InvalidEnvelope for what is no envelope; if strict, for all that is not JSON."""
    try:
        documents = _documents(orjson.loads(raw))
    except orjson.JSONDecodeError:
        if is_strict:
            _check_syntax(raw)
        yield from map(_read_piece, split(raw))
        return
    for index, document in enumerate(documents):
        try:
            canonical = orjson.dumps(document)
        except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
            yield from map(_read_piece, split(raw)[index:])
            return
        yield _read_document(document, canonical)


def _check_syntax(raw: bytes) -> None:
    """Raises InvalidEnvelope, with the place, when the body is not JSON.

    Lenient where only one event is at fault: lone surrogates, bytes that are not UTF-8, huge numbers, deep nesting.
    """
    try:
        text = raw.decode("utf-8", "surrogateescape")
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except RecursionError:
        return
    except ValueError as error:
        raise InvalidEnvelope(f"the body is not JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _documents(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if "events" in value:
            found = value["events"]
            if found is None:  # how Go writes an empty list
                return []
            if isinstance(found, list):
                return found
            raise InvalidEnvelope("events: expected a list of events")
        if not _EVENT_KEYS.isdisjoint(value):
            return [value]
    raise InvalidEnvelope('expected {"events": […]}, a list of events, or one event')


def _read_piece(piece: bytes) -> Reading:
    try:
        document = orjson.loads(piece)
        canonical = orjson.dumps(document)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        return Unreadable(piece, f"the event cannot be stored: {error}")
    return _read_document(document, canonical)


def _read_document(document: Any, canonical: bytes) -> Reading:
    try:
        return ReadEvent(canonical, events.from_document(document))
    except events.InvalidEvent as error:
        return Unreadable(canonical, str(error)[:MAX_REASON_LENGTH])
