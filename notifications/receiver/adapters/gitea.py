"""Gitea and Forgejo: the webhook event `package`.

A package is a version of a container: a tag, or a digest where there is no tag. Deletions do not say when.
"""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, at, split_reference, wire_event

NAME = "Gitea and Forgejo"

_ACTIONS = {"created": "push", "deleted": "delete"}


def recognise(document: Document) -> bool:
    package = document.get("package")
    return isinstance(package, dict) and {"type", "version", "owner"} <= package.keys()


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    package = document["package"]
    if package["type"] != "container":
        yield Ignored(f"Gitea: a package of type {package['type']}")
        return
    kind = document.get("action")
    if not isinstance(kind, str) or kind not in _ACTIONS:
        raise InvalidEvent(f"action: {kind!r} is neither created nor deleted")
    action = _ACTIONS[kind]
    tag, digest = split_reference(package["version"])
    yield wire_event(
        timestamp=package.get("created_at") if action == "push" else arrival and arrival.time,
        action=action,
        repository=_repository(package),
        tag=tag,
        digest=digest,
        actor=at(document, "sender", "login"),
    )


def _repository(package: Document) -> object:
    """As it is pulled, where all letters are small."""
    owner, name = at(package, "owner", "login"), package.get("name")
    return f"{owner}/{name}".lower() if isinstance(owner, str) and isinstance(name, str) else None
