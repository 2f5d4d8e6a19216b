"""Another RegistryHub that forwards its events as CloudEvents or Standard Webhooks; envelopes are Distribution's."""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.cloudevents import is_of_type
from notifications.receiver.adapters.payloads import Arrival, Document, Told

NAME = "RegistryHub"


def recognise(document: Document) -> bool:
    return is_of_type(document, "org.registryhub.") or _is_signed(document)


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidEvent("data: expected an event")
    yield data


def _is_signed(document: Document) -> bool:
    found = document.get("type")
    return isinstance(found, str) and found.startswith("registry.") and "data" in document and "timestamp" in document
