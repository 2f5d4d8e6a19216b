"""Quay: notifications of a repository by webhook.

They name neither a time nor an id, and two pushes of one tag say the very same. So each that comes in is a push of its
own, at the time of its arrival.
"""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, wire_event

NAME = "Quay"


def recognise(document: Document) -> bool:
    return {"docker_url", "namespace", "repository", "homepage"} <= document.keys()


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    if "updated_tags" not in document:
        yield Ignored("Quay: not a push")
        return
    tags = document["updated_tags"]
    if not isinstance(tags, list | dict):  # older ones name an image id for each tag, which is no digest
        raise InvalidEvent("updated_tags: expected a list of tags")
    if arrival is None:
        raise InvalidEvent("timestamp: Quay does not say when, so it is only taken as it happens, by POST")
    for number, tag in enumerate(tags):
        yield wire_event(
            event_id=f"{arrival.id} {number}",
            timestamp=arrival.time,
            action="push",
            repository=document["repository"],
            tag=tag,
        )
