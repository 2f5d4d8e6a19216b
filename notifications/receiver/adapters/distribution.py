"""CNCF Distribution, and whoever speaks like it: one event of an envelope, media types v1 and v2 (reference C.2)."""

from collections.abc import Iterator

from notifications.events import ACTIONS
from notifications.receiver.adapters.payloads import Arrival, Document, Told

NAME = "CNCF Distribution"

_KEYS = frozenset(("id", "action", "target"))


def recognise(document: Document) -> bool:
    return not _KEYS.isdisjoint(document)


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    yield dict(document)


def is_whole(document: Document) -> bool:
    """What nearly all documents are; asked before any adapter is."""
    action = document.get("action")
    return "target" in document and isinstance(action, str) and action in ACTIONS
