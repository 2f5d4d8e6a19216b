"""Messages about endpoints as events of the log, so that streams, pages and other endpoints can carry them.

The document is that of any event, with `notice` beside. What stands in the place of a repository is none: `-` is no
name of one, so nothing is counted for it, and only who sees everything sees it.
"""

from datetime import UTC, datetime
from typing import Any

import orjson

from notifications import events
from notifications.delivery.models import Notice
from notifications.log import intake
from notifications.log.speaker import source
from registryhub.access.models import HUB_SOURCE_ID

MEDIA_TYPE = "application/vnd.registryhub.notice.v1+json"


def subject_of(endpoint_name: str) -> str:
    """What stands in the place of a repository: where the page of the endpoint is."""
    return f"-/webhooks/{endpoint_name}"


def document_of(endpoint_name: str, *, kind: str, level: int, text: str) -> dict[str, Any]:
    """A message as the wire has it."""
    address, instance_id = source()
    event = events.Event(
        id=events.new_id(),
        timestamp=datetime.now(UTC),
        action="notice",
        repository=subject_of(endpoint_name),
        media_type=MEDIA_TYPE,
        source_address=address,
        instance_id=instance_id,
    )
    notice = {"endpoint": endpoint_name, "kind": kind, "level": level, "text": text}
    return {**events.document(event), "notice": notice}


def announce(notice: Notice) -> None:
    """Let it be in the log if and only if the caller's transaction commits."""
    name = notice.endpoint.name
    document = document_of(name, kind=notice.kind, level=notice.level, text=notice.text)
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=orjson.dumps(document))
