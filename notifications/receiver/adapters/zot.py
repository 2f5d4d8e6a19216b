"""zot: CloudEvents of its `events` extension.

Their type begins as the operator likes (`typePrefix`), so that only its end tells them.
"""

from collections.abc import Iterator

from notifications.receiver.adapters.cloudevents import data_of, event_id, type_of
from notifications.receiver.adapters.cloudevents import recognise as is_cloud_event
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, at, split_reference, wire_event

NAME = "zot"

_ACTIONS = {"image.updated": "push", "image.deleted": "delete"}
_IGNORED = ("image.lint_failed", "repository.created")


def recognise(document: Document) -> bool:
    return is_cloud_event(document) and _kind(document) in (*_ACTIONS, *_IGNORED)


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    kind = _kind(document)
    if kind in _IGNORED:
        yield Ignored(f"zot: {kind}")
        return
    data = data_of(document)
    tag, digest = split_reference(at(data, "reference"))
    manifest = at(data, "manifest")
    yield wire_event(
        event_id=event_id(document),
        timestamp=document.get("time"),
        action=_ACTIONS[kind],
        repository=at(data, "name"),
        tag=tag,
        digest=at(data, "digest") or digest,
        media_type=at(data, "mediaType"),
        size=len(manifest.encode()) if isinstance(manifest, str) else None,
        actor=at(data, "actor", "name"),
        request={name: at(data, "request", name) for name in ("addr", "method", "useragent")},
    )


def _kind(document: Document) -> str:
    """The last two words of the type."""
    return ".".join(type_of(document).rsplit(".", 2)[-2:])
