"""Test events: sent at once, by whoever asks, with all that the endpoint's own requests have.

They are no part of the queue: a paused endpoint gets them too, nothing is tried again, and they count for nothing but
their own row.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from django.db import transaction

from notifications import events
from notifications.delivery.endpoints import build_face, open_sink, settings_of
from notifications.delivery.faces import Document
from notifications.delivery.models import Attempt, Endpoint, Notice
from notifications.delivery.sending.attempts import describe
from notifications.delivery.sending.notice_events import document_of
from notifications.log.listing import LOOKED_AT, read_head
from notifications.log.models import Event
from notifications.log.speaker import source
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.transactions import release_connection

Kind = Literal["push", "pull", "mount", "delete", "alert"]
KINDS: tuple[Kind, ...] = ("push", "pull", "mount", "delete", "alert")
LONGEST_SECONDS = 30.0
"""Somebody waits for the answer."""
HEADER = ("Registryhub-Test", "1")
"""By which a receiver can tell a test from what has happened."""

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "push": {"media_type": _MANIFEST, "size": 1234, "tag": "latest", "method": "PUT"},
    "pull": {"media_type": _MANIFEST, "size": 1234, "tag": "latest", "method": "GET"},
    "mount": {
        "media_type": "application/octet-stream",
        "size": 98765,
        "from_repository": "library/base",
        "method": "POST",
    },
    "delete": {"method": "DELETE"},
}


def send_test(endpoint: Endpoint, kind: Kind) -> Attempt:
    """Send a test event and write down what came of it.

    Raises BadEndpoint, Unsealable and NotConfigured where the endpoint has no settings that can be used.
    """
    configured = settings_of(endpoint)
    shortest = min(configured.timeout_seconds, LONGEST_SECONDS)
    configured = configured.model_copy(update={"timeout_seconds": shortest})
    face, document = build_face(configured), sample(endpoint, kind)
    body, headers = face.render([document], time.time())
    release_connection()
    with closing(open_sink(endpoint, configured, face)) as sink:
        outcome = sink.post(body, (*headers, HEADER))
    row = describe(endpoint, outcome, Attempt.Occasion.TEST, keeps_content=True)
    row.first_seq = row.seq = 0
    row.event_id = document["id"]
    with transaction.atomic():
        row.save()
    return row


def sample(endpoint: Endpoint, kind: Kind) -> Document:
    """The newest event of its kind that this hub has, or one that is made up; with an id of its own and of now."""
    if kind == "alert":
        text = "this is a test: nothing is wrong with the endpoint"
        return document_of(endpoint.name, kind=Notice.Kind.ALERT, level=50, text=text)
    latest = Event.objects.filter(source_id=HUB_SOURCE_ID, action=kind, seq__gt=read_head() - LOOKED_AT)
    raw = latest.order_by("-seq").values_list("raw", flat=True).first()
    document: Document = orjson.loads(raw) if raw is not None else _example(kind)
    return {**document, "id": events.new_id(), "timestamp": events.format_timestamp(datetime.now(UTC))}


def _example(kind: Kind) -> Document:
    address, instance_id = source()
    event = events.Event(
        id="example",
        timestamp=datetime.now(UTC),
        action=kind if kind != "alert" else "notice",
        repository="library/example",
        digest=f"sha256:{'0' * 64}",
        source_address=address,
        instance_id=instance_id,
        **_EXAMPLES[kind],
    )
    return events.document(event)
