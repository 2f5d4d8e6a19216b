"""GitHub's container registry: the webhook events `package` and `registry_package` of a repository or organization.

They tell the same twice to those who ask for both, so the id is made of what they have in common.
"""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, at, wire_event

NAME = "GitHub (GHCR)"

_PUSHES = ("published", "updated")
_CONTAINERS = ("container", "docker")


def recognise(document: Document) -> bool:
    return _package_type(document) is not None


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    package = _package(document)
    kind = _package_type(document)
    if not isinstance(kind, str) or kind.lower() not in _CONTAINERS:
        yield Ignored(f"GitHub: a package of type {kind}")
        return
    if document.get("action") not in _PUSHES:
        raise InvalidEvent(f"action: {document.get('action')!r} is none of {', '.join(_PUSHES)}")
    version = at(package, "package_version")
    metadata = at(version, "container_metadata")
    moment = at(version, "updated_at") or at(version, "created_at") or at(package, "updated_at")
    tag = at(metadata, "tag", "name")
    yield wire_event(
        event_id=_name(at(version, "id"), moment, tag),
        timestamp=moment,
        action="push",
        repository=_repository(package),
        tag=tag,
        digest=at(metadata, "tag", "digest") or at(metadata, "manifest", "digest") or at(version, "version"),
        media_type=at(metadata, "manifest", "media_type"),
        actor=at(document, "sender", "login"),
    )


def _name(version: object, moment: object, tag: object) -> str | None:
    if not isinstance(version, int) or not isinstance(moment, str) or not isinstance(tag, str | None):
        return None
    return f"ghcr {version} {moment} {tag or ''}"


def _package(document: Document) -> object:
    return document.get("registry_package") or document.get("package")


def _package_type(document: Document) -> object:
    return at(_package(document), "package_type")


def _repository(package: object) -> object:
    """As it is pulled from ghcr.io, where all letters are small."""
    owner, name = at(package, "namespace") or at(package, "owner", "login"), at(package, "name")
    return f"{owner}/{name}".lower() if isinstance(owner, str) and isinstance(name, str) else None
