"""Amazon ECR, by an EventBridge rule whose target is an API destination."""

from collections.abc import Iterator

from notifications.events import InvalidEvent
from notifications.receiver.adapters.payloads import Arrival, Document, Ignored, Told, at, wire_event

NAME = "Amazon ECR"

_IMAGE_ACTION = "ECR Image Action"
_ACTIONS = {"PUSH": "push", "DELETE": "delete"}


def recognise(document: Document) -> bool:
    return "detail-type" in document and "detail" in document


def read(document: Document, arrival: Arrival | None) -> Iterator[Told]:
    if document.get("source") != "aws.ecr":
        raise InvalidEvent(f"source: {document.get('source')!r} is not aws.ecr; let the rule match nothing else")
    kind, detail = document["detail-type"], document["detail"]
    if kind != _IMAGE_ACTION or at(detail, "result") == "FAILURE":
        yield Ignored(f"ECR: {kind}, {at(detail, 'result')}")
        return
    kind = at(detail, "action-type")
    if not isinstance(kind, str) or kind not in _ACTIONS:
        raise InvalidEvent(f"detail.action-type: {kind!r} is neither PUSH nor DELETE")
    yield wire_event(
        event_id=document.get("id"),
        timestamp=document.get("time"),
        action=_ACTIONS[kind],
        repository=at(detail, "repository-name"),
        tag=at(detail, "image-tag"),
        digest=at(detail, "image-digest"),
        media_type=at(detail, "manifest-media-type"),
    )
