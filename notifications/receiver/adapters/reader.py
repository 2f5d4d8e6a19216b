"""What is in a body: its events, in their order. It is the same each time it is read, whatever the bytes say.

`{"events": […]}`, a list, or one document alone; each document is given to the adapter that recognises it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NoReturn

import orjson

from notifications import events
from notifications.log.readers import ReadEvent, Reading, Unreadable
from notifications.receiver.adapters import distribution
from notifications.receiver.adapters.payloads import Adapter, Arrival, Ignored
from notifications.receiver.adapters.split import InvalidEnvelope, split
from notifications.receiver.adapters.table import ADAPTERS, find_adapter

Part = ReadEvent | Unreadable | Ignored

MAX_REASON_LENGTH = 500
ARRIVAL = "org.registryhub.arrival"
"""Type of the CloudEvent in which a payload is kept together with the time at which it came in."""
_ORIGINAL_BYTES = 64 << 10
"""Of payloads that are kept beside the events made of them, all of those of one body together."""


def read(raw: bytes) -> Sequence[Reading]:
    """The events of a stored body, for settings.INTAKE_READERS; what is no event is Unreadable and holds up no other.

    Never raises for what the bytes say: bytes that are no envelope at all are one Unreadable.
    """
    try:
        return [part for part in readings(raw) if not isinstance(part, Ignored)]
    except InvalidEnvelope as error:
        return [Unreadable(raw, str(error))]


def readings(raw: bytes, *, is_strict: bool = False) -> Iterator[Part]:
    """The same one by one, and what is ignored too.

    Raises InvalidEnvelope for what is no envelope; if strict, for all that is not JSON.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        if is_strict:
            check_syntax(raw)
        for piece in split(raw):
            yield from _read_piece(piece)
        return
    documents = _documents(value)
    for index, document in enumerate(documents):
        try:
            canonical = orjson.dumps(document)
        except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
            for piece in split(raw)[index:]:
                yield from _read_piece(piece)
            return
        if _is_plain(document):
            yield _read_event(document, canonical)
        else:
            yield from _read_document(document, canonical)


def check_syntax(raw: bytes) -> None:
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
        if find_adapter(value):
            return [value]
    known = ", ".join(adapter.NAME for adapter in ADAPTERS)
    raise InvalidEnvelope(
        f'expected {{"events": […]}}, a list of events, or one event; understood are those of {known}'
    )


def _read_piece(piece: bytes) -> Iterable[Part]:
    try:
        document = orjson.loads(piece)
        canonical = orjson.dumps(document)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        return [Unreadable(piece, f"the event cannot be stored: {error}")]
    return _read_document(document, canonical)


def _is_plain(document: Any) -> bool:
    """Whether no adapter needs to be asked: nearly always."""
    return not isinstance(document, dict) or distribution.is_whole(document)


def _read_document(document: Any, canonical: bytes) -> Iterable[Part]:
    if _is_plain(document):
        return [_read_event(document, canonical)]
    arrival = None
    if document.get("type") == ARRIVAL and isinstance(document.get("data"), dict):
        arrival = Arrival(str(document.get("id")), str(document.get("time")))
        document = document["data"]
    adapter = find_adapter(document)
    if adapter is None or adapter is distribution:
        return [_read_event(document, canonical)]
    try:
        return list(_read_told(adapter, document, canonical, list(adapter.read(document, arrival))))
    except (events.InvalidEvent, orjson.JSONEncodeError) as error:  # what is packed may be nested as deep as it likes
        return [_refuse(canonical, error)]


def _read_told(
    adapter: Adapter, document: dict[str, Any], canonical: bytes, told: Sequence[dict[str, Any] | Ignored]
) -> Iterator[Part]:
    name = _name(adapter, document)
    original: dict[str, Any] = {"format": adapter.NAME}
    if len(told) * len(canonical) <= _ORIGINAL_BYTES:
        original["payload"] = document
    for number, wire in enumerate(told):
        if isinstance(wire, Ignored):
            yield wire
            continue
        if wire.get("id", "") is None:
            wire = {**wire, "id": name if len(told) == 1 else f"{name} {number}"}
        whole = wire if wire is document.get("data") else {**wire, "original": original}
        part = _read_event(whole, orjson.dumps(whole))
        if isinstance(part, Unreadable):  # as it came, to be understood when it is tried again
            part = Unreadable(canonical if len(told) == 1 else orjson.dumps(wire), part.reason)
        yield part


def _name(adapter: Adapter, document: dict[str, Any]) -> str:
    """An id made of all that the document says: the same when it comes again, another for anything else."""
    return sha256(orjson.dumps([adapter.NAME, document], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _read_event(document: Any, canonical: bytes) -> Reading:
    try:
        return ReadEvent(canonical, events.from_document(document))
    except events.InvalidEvent as error:
        return _refuse(canonical, error)


def _refuse(canonical: bytes, error: Exception) -> Unreadable:
    return Unreadable(canonical, str(error)[:MAX_REASON_LENGTH])
