"""Harbor: webhooks of a project, in the format `Default` and as CloudEvents.

`Default` has no id, so one is made of what it says: two pulls of one artifact by one account in the same second look
alike and are one. As CloudEvents each has its own.
"""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.cloudevents import data_of, event_id, is_of_type
from notifications.receiver.adapters.payloads import (
    Arrival,
    Document,
    Ignored,
    Told,
    at,
    listed,
    since_1970,
    split_reference,
    wire_event,
)

NAME = "Harbor"

_ACTIONS = {
    "PUSH_ARTIFACT": "push",
    "PULL_ARTIFACT": "pull",
    "DELETE_ARTIFACT": "delete",
    "harbor.artifact.pushed": "push",
    "harbor.artifact.pulled": "pull",
    "harbor.artifact.deleted": "delete",
}


def recognise(document: Document) -> bool:
    return _is_cloud_event(document) or {"type", "occur_at", "event_data"} <= document.keys()


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    kind = document["type"]
    action = _ACTIONS.get(kind) if isinstance(kind, str) else None
    if action is None:
        yield Ignored(f"Harbor: {kind}")
        return
    is_cloud_event = _is_cloud_event(document)
    data = data_of(document) if is_cloud_event else document["event_data"]
    resources = listed(at(data, "resources"))
    if not resources:
        raise InvalidEvent("event_data.resources: expected a list of artifacts")
    base = event_id(document) if is_cloud_event else None
    for number, resource in enumerate(resources):
        tag, digest = split_reference(at(resource, "tag"))  # an artifact without a tag has its digest there
        yield wire_event(
            event_id=base if base is None or len(resources) == 1 else f"{base} {number}",
            timestamp=document.get("time") if is_cloud_event else since_1970(document["occur_at"]),
            action=action,
            repository=at(data, "repository", "repo_full_name"),
            tag=tag,
            digest=at(resource, "digest") or digest,
            actor=document.get("operator"),
        )


def _is_cloud_event(document: Document) -> bool:
    return is_of_type(document, "harbor.")
