"""What all adapters are made of: finding one's way in a document that nobody has checked, and saying what it tells.

An adapter says what it has found as a wire document (`notifications.events`), values as they are: whether they are
text, a number or too long is decided at one place for all, when the document is read as an event.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from notifications.events import MEDIA_TYPE_UNTOLD, format_timestamp

Document = Mapping[str, Any]


class Ignored(NamedTuple):
    """Something that happened, and that means nothing to counters."""

    reason: str


class Arrival(NamedTuple):
    """When a payload came in (RFC 3339), and an id of its own; for payloads that name neither."""

    id: str
    time: str


Told = dict[str, Any] | Ignored
"""A wire document, whose id is None where the sender names none; or why there is none."""


class Adapter(Protocol):
    """A module that knows the payloads of one kind of sender."""

    @property
    def NAME(self) -> str:  # noqa: N802
        """As people call the sender."""

    def recognise(self, document: Document) -> bool:
        """Whether the document is of this sender; looks at the names of its fields, not at all it says."""

    def read(self, document: Document, arrival: Arrival | None) -> Iterator[Told]:
        """The events in it, in order. Raises InvalidEvent when none can be made of it."""


def at(value: object, *path: str) -> Any:
    """What stands there, None when anything on the way is missing or no object."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def since_1970(seconds: object) -> object:
    """RFC 3339 of seconds since 1970; what is none is left as it is, and refused when it is read."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds
    try:
        return format_timestamp(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return seconds


def split_reference(reference: object) -> tuple[object, object]:
    """A tag and a digest, of which one is None: only digests have a colon."""
    return (None, reference) if isinstance(reference, str) and ":" in reference else (reference, None)


def wire_event(
    *,
    action: str,
    repository: object,
    timestamp: object,
    event_id: object = None,
    tag: object = None,
    digest: object = None,
    media_type: object = None,
    size: object = None,
    actor: object = None,
    request: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """A wire document of manifests.

    What has neither tag nor media type says that it is a manifest nonetheless: it would be taken for a blob.
    """
    if not media_type and not tag and action != "delete":
        media_type = MEDIA_TYPE_UNTOLD
    target = {"mediaType": media_type, "digest": digest, "size": size, "repository": repository, "tag": tag}
    return {
        "id": event_id,
        "timestamp": timestamp,
        "action": action,
        "target": _told(target),
        "request": _told(request or {}),
        "actor": _told({"name": actor}),
    }


def _told(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value not in (None, "")}
