"""All else that GitHub, Gitea and Forgejo send when a webhook is told to send everything: it is no package."""

from collections.abc import Iterator

from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told

NAME = "other events of GitHub, Gitea and Forgejo"


def recognise(document: Document) -> bool:
    is_ping = "zen" in document and "hook_id" in document
    return is_ping or (isinstance(document.get("sender"), dict) and _is_placed(document))


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    yield Ignored("not a package")


def _is_placed(document: Document) -> bool:
    return "repository" in document or "organization" in document
