"""What clients asked for lately, kept so that requests which belong together are told however late one comes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from django.db import connection

from notifications.analytics.sessions import SLOT_SECONDS, Ask, decode, encode, slots_around
from registryhub.database.arrays import as_parameters


class Client(NamedTuple):
    """Of a repository; `key` is a hash."""

    repository_id: int
    key: int


Asked = dict[Ask, int]

_FIND = {
    "postgresql": """
SELECT trace.repository_id, trace.client, trace.asks
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS wanted (slot, repository_id, client)
JOIN analytics_trace trace USING (slot, repository_id, client)
""",
    "sqlite": """
SELECT trace.repository_id, trace.client, trace.asks FROM json_each(%s) AS wanted
CROSS JOIN analytics_trace trace ON trace.slot = json_extract(wanted.value, '$[0]')
AND trace.repository_id = json_extract(wanted.value, '$[1]')
AND trace.client = json_extract(wanted.value, '$[2]')
""",
}

_KEEP = {
    "postgresql": """
INSERT INTO analytics_trace (slot, repository_id, client, asks, changed_on)
SELECT *, current_date FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
ON CONFLICT (slot, repository_id, client) DO UPDATE SET asks = excluded.asks, changed_on = excluded.changed_on
""",
    "sqlite": """
INSERT INTO analytics_trace (slot, repository_id, client, asks, changed_on)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
json_extract(value, '$[3]'), date('now') FROM json_each(%s) WHERE true
ON CONFLICT (slot, repository_id, client) DO UPDATE SET asks = excluded.asks, changed_on = excluded.changed_on
""",
}


def find(wanted: Mapping[Client, Asked]) -> dict[Client, Asked]:
    """What each client had asked for around these requests. One query."""
    rows = [(slot, *client) for client, asks in wanted.items() for slot in _around(asks)]
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIND[connection.vendor], as_parameters(rows))
        found: dict[Client, Asked] = defaultdict(dict)
        for repository_id, key, asks in cursor.fetchall():
            found[Client(repository_id, key)].update(decode(asks))
    return found


def keep(asked: Mapping[Client, Asked], *, changed: Mapping[Client, Asked]) -> None:
    """Write the slots of these clients into which `changed` requests fall. One statement."""
    rows = [
        (slot, *client, encode(asks))
        for client, news in changed.items()
        for slot, asks in _by_slot(asked[client], {ask.second // SLOT_SECONDS for ask in news}).items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP[connection.vendor], as_parameters(sorted(rows)))


def _around(asks: Asked) -> set[int]:
    return {slot for ask in asks for slot in slots_around(ask.second)}


def _by_slot(asks: Asked, slots: set[int]) -> dict[int, Asked]:
    found: dict[int, Asked] = {slot: {} for slot in slots}
    for ask, times in asks.items():
        slot = ask.second // SLOT_SECONDS
        if slot in found:
            found[slot][ask] = times
    return found
