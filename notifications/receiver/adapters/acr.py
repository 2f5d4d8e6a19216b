"""Azure Container Registry: its webhooks, which are single events of Distribution, and its events by Event Grid."""

from collections.abc import Iterator

import orjson

from notifications.events import InvalidEvent
from notifications.receiver.adapters.cloudevents import data_of, is_of_type
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, at

NAME = "Azure Container Registry"

VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"

_REGISTRY = "Microsoft.ContainerRegistry."
_IMAGES = ("ImagePushed", "ImageDeleted")
_IGNORED = ("ping", "quarantine", "chart_push", "chart_delete")


def recognise(document: Document) -> bool:
    return _is_by_grid(document) or is_of_type(document, _REGISTRY) or document.get("action") in _IGNORED


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    is_by_grid = _is_by_grid(document)
    if not is_by_grid and not is_of_type(document, _REGISTRY):
        yield Ignored(f"Azure: {document['action']}")
        return
    kind = document["eventType"] if is_by_grid else document["type"]
    short = kind.removeprefix(_REGISTRY) if isinstance(kind, str) else ""
    if short in _IMAGES:
        yield _told(document)
    elif kind == VALIDATION or (isinstance(kind, str) and kind.startswith(_REGISTRY)):
        yield Ignored(f"Azure: {kind}")
    else:
        raise InvalidEvent(f"eventType: {kind!r} is not of a container registry")


def find_validation_code(body: bytes) -> str | None:
    """What Event Grid wants to hear back before it sends anything; None when it asks for nothing."""
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    first = events[0] if isinstance(events, list) and events else events
    code = at(first, "data", "validationCode")
    return code if at(first, "eventType") == VALIDATION and isinstance(code, str) else None


def _is_by_grid(document: Document) -> bool:
    return {"eventType", "eventTime", "data"} <= document.keys()


def _told(document: Document) -> Told:
    data = data_of(document)
    if not isinstance(data, dict):
        raise InvalidEvent("data: expected an event of the registry")
    return {**data, "id": document.get("id")}
