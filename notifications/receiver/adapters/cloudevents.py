"""CloudEvents 1.0 of senders that no other adapter knows: taken when their data is an event of Distribution."""

import base64
import binascii
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson

from notifications.events import InvalidEvent
from notifications.receiver.adapters.payloads import Arrival, Document, Told

NAME = "CloudEvents"

_LONGEST_ID = 100


def recognise(document: Document) -> bool:
    return "specversion" in document and "type" in document


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    data = data_of(document)
    if not isinstance(data, dict) or not {"action", "target"} <= data.keys():
        raise InvalidEvent(f"type: nothing is known of CloudEvents of type {document['type']!r}")
    yield data if "id" in data else {**data, "id": event_id(document)}


def is_of_type(document: Document, prefix: str) -> bool:
    return recognise(document) and type_of(document).startswith(prefix)


def type_of(document: Document) -> str:
    """Empty when it is no text."""
    found = document["type"]
    return found if isinstance(found, str) else ""


def data_of(document: Document) -> Any:
    """The data, also when they are packed; None when there are none or they are no JSON."""
    if "data_base64" not in document:
        return document.get("data")
    try:
        return orjson.loads(base64.b64decode(document["data_base64"], validate=True))
    except (TypeError, ValueError, binascii.Error):
        return None


def event_id(document: Document) -> str:
    """Source and id together, which no two events share; a hash of them where they are long. Raises InvalidEvent."""
    found = document.get("id")
    if not isinstance(found, str) or not found:
        raise InvalidEvent("id: missing in a CloudEvent")
    source = document.get("source")
    name = f"{source} {found}" if isinstance(source, str) and source else found
    return name if len(name) <= _LONGEST_ID else sha256(name.encode()).hexdigest()
