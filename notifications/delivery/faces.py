"""What a request says: the same events in the words that a receiver understands.

Pure. A face makes a body of the documents of one or several events, and the headers that depend on it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from notifications.events import as_pull, render_envelope
from notifications.signing import sign, sign_body

Document = dict[str, Any]

CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"
EVENT_TYPE = "org.registryhub."
"""What the type of a CloudEvent begins with; the action follows."""


def read_document(action: str, raw: str) -> Document:
    """The event as the wire has it; a check, if it is sent at all, as a pull."""
    document: Document = orjson.loads(raw)
    return as_pull(document) if action == "check" else document


class Rendered(NamedTuple):
    """A body, and headers beside those that are the same for every request."""

    body: bytes
    headers: Sequence[tuple[str, str]] = ()


class Face(Protocol):
    """`media_type` is that of the body."""

    @property
    def media_type(self) -> str: ...

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        """The request for these events, sent at this time (seconds since 1970)."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """The reference's envelope, byte for byte: of one event, as the reference sends it."""

    media_type: str

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        return Rendered(render_envelope(documents))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The same envelope of many events, without the reference's white space, which costs more than all the rest."""

    media_type: str

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        return Rendered(orjson.dumps({"events": list(documents)}))


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """CloudEvents 1.0 as JSON, with the reference's event as its data; a list of them when they may be several."""

    media_type: str

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        events = [_cloud_event(document) for document in documents]
        return Rendered(orjson.dumps(events if self.media_type == CLOUDEVENTS else events[0]))


def _cloud_event(document: Document) -> Document:
    return {
        "specversion": "1.0",
        "id": document["id"],
        "source": f"//{document.get('source', {}).get('addr', '')}",
        "type": f"{EVENT_TYPE}{document['action']}",
        "subject": _fields(document)["image"],
        "time": document["timestamp"],
        "datacontenttype": "application/json",
        "data": document,
    }


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """One event as Standard Webhooks has it, signed with each of the secrets: while one replaces another, both hold."""

    secrets: Sequence[str]
    media_type: str = "application/json"

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        [document] = documents
        action, moment = f"registry.{document['action']}", document["timestamp"]
        body = orjson.dumps({"type": action, "timestamp": moment, "data": document})
        signature = sign(*self.secrets, message_id=document["id"], timestamp=int(now), body=body)
        return Rendered(body, tuple(signature.items()))


@dataclass(frozen=True, slots=True, repr=False)
class SignedBody:
    """What another face says, signed as GitHub does it: with one secret, the newest."""

    face: Face
    secret: str

    @property
    def media_type(self) -> str:
        return self.face.media_type

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        body, headers = self.face.render(documents, now)
        return Rendered(body, (*headers, *sign_body(self.secret, body).items()))


@dataclass(frozen=True, slots=True)
class Chat:
    """One event as a message for people, in the form of Slack's incoming webhooks."""

    template: str
    media_type: str = "application/json"

    def render(self, documents: Sequence[Document], now: float) -> Rendered:
        [document] = documents
        template = _NOTICE if "notice" in document else self.template
        text = fill_in(template, _fields(document), _escape)
        block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        return Rendered(orjson.dumps({"text": text, "blocks": [block]}))


_NOTICE = "*webhook {endpoint}*: {text}"
_PLACE = re.compile(r"\{([a-z]+)\}")


def fill_in(template: str, fields: dict[str, str], escape: Callable[[str], str]) -> str:
    """The template with each `{name}` replaced by that field, which can say anything but is never read again."""
    return _PLACE.sub(lambda match: escape(fields.get(match[1], "")), template)


def _fields(document: Document) -> dict[str, str]:
    """What a template may name; see TEMPLATE_FIELDS of the configuration."""
    target, request, notice = (document.get(name) or {} for name in ("target", "request", "notice"))
    repository, tag, digest = (target.get(name) or "" for name in ("repository", "tag", "digest"))
    image = f"{repository}:{tag}" if tag else f"{repository}@{digest}" if digest else repository
    return {
        "action": document["action"],
        "image": image,
        "repository": repository,
        "tag": tag,
        "digest": digest,
        "mediatype": target.get("mediaType") or "",
        "size": str(target.get("size") or 0),
        "url": target.get("url") or "",
        "actor": document.get("actor", {}).get("name") or "somebody",
        "address": request.get("addr") or "",
        "host": request.get("host") or "",
        "id": document["id"],
        "timestamp": document["timestamp"],
        "endpoint": str(notice.get("endpoint", "")),
        "text": str(notice.get("text", "")),
    }


def _escape(text: str) -> str:
    """The three characters that mean something to Slack; without them nobody is called and nothing is linked."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
