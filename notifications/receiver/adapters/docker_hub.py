"""Docker Hub: the webhook of a repository, one push of one tag."""

from collections.abc import Iterator

from notifications.receiver.adapters.payloads import Arrival, Document, Told, at, since_1970, wire_event

NAME = "Docker Hub"


def recognise(document: Document) -> bool:
    return "push_data" in document and "repository" in document


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    pushed = document["push_data"]
    yield wire_event(
        timestamp=since_1970(at(pushed, "pushed_at")),
        action="push",
        repository=at(document, "repository", "repo_name"),
        tag=at(pushed, "tag"),
        actor=at(pushed, "pusher"),
    )
