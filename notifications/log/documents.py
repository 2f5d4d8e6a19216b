"""Events as the REST API shows them."""

from typing import Any, cast

import orjson

from notifications import events, facts
from notifications.log.models import Event


def document(event: Event, *, with_people: bool) -> dict[str, Any]:
    """The event with its number and where it came from; `with_people` as the wire has it."""
    known = facts.parse(event.facts)
    return {
        "seq": event.seq,
        "source": event.source.name,
        "received_at": event.received_at,
        "facts": {
            "tagged": known.tagged,
            "moved_from": known.moved_from,
            "platforms": known.platforms,
            "children": known.children,
            "is_attached": known.is_attached,
        },
        "event": orjson.loads(event.raw) if with_people else _without_people(event),
    }


def _without_people(event: Event) -> dict[str, Any]:
    """Who may see a repository need not learn who else uses it, from where, or what other repositories there are."""
    return events.document(
        events.Event(
            id=event.event_id,
            timestamp=event.occurred_at,
            action=cast(events.Action, event.action),
            repository=event.repository,
            tag=event.tag,
            digest=event.digest,
            media_type=event.media_type,
            size=event.size,
            method=event.method,
        )
    )
