"""What clients asked for lately, kept so that requests which belong together are told however late one of them comes.

They are kept as long as the ids of events are (`hub.log.seen`): what would come later than that is refused.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from notifications.analytics.arrays import as_parameters
from notifications.analytics.sessions import SLOT_SECONDS, Ask, decode, encode, slots_around
from registryhub.database.transactions import relaxed_transaction

FORGOTTEN_AT_ONCE = 1000


class Client(NamedTuple):
    """Of a repository; `key` is a hash."""

    repository_id: int
    key: int


Asked = dict[Ask, int]

_FIND = {
    "postgresql": """
SELECT trace.repository_id, trace.client, trace.asks
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS wanted (repository_id, client, first, last)
JOIN analytics_trace trace ON trace.repository_id = wanted.repository_id AND trace.client = wanted.client
AND trace.slot BETWEEN wanted.first AND wanted.last
""",
    "sqlite": """
SELECT trace.repository_id, trace.client, trace.asks FROM json_each(%s) AS wanted
CROSS JOIN analytics_trace trace ON trace.repository_id = json_extract(wanted.value, '$[0]')
AND trace.client = json_extract(wanted.value, '$[1]')
AND trace.slot BETWEEN json_extract(wanted.value, '$[2]') AND json_extract(wanted.value, '$[3]')
""",
}

_KEEP = {
    "postgresql": """
INSERT INTO analytics_trace (repository_id, client, slot, asks)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
ON CONFLICT (repository_id, client, slot) DO UPDATE SET asks = excluded.asks
""",
    "sqlite": """
INSERT INTO analytics_trace (repository_id, client, slot, asks)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
json_extract(value, '$[3]') FROM json_each(%s) WHERE true
ON CONFLICT (repository_id, client, slot) DO UPDATE SET asks = excluded.asks
""",
}

_FORGET = {
    "postgresql": "DELETE FROM analytics_trace WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM analytics_trace WHERE slot < %s ORDER BY slot LIMIT %s))",
    "sqlite": "DELETE FROM analytics_trace WHERE rowid IN ("
    "SELECT rowid FROM analytics_trace WHERE slot < %s ORDER BY slot LIMIT %s)",
}


def find(wanted: Mapping[Client, Asked]) -> dict[Client, Asked]:
    """What each client had asked for around these requests. One query."""
    rows = [(*client, *_around(asks)) for client, asks in wanted.items()]
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
        (*client, slot, encode(asks))
        for client, news in changed.items()
        for slot, asks in _by_slot(asked[client], {ask.second // SLOT_SECONDS for ask in news}).items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP[connection.vendor], as_parameters(sorted(rows)))


def forget(before: datetime, is_stopping: Callable[[], bool]) -> None:
    """Remove what is older, in short transactions."""
    slot = int(before.timestamp()) // SLOT_SECONDS
    while not is_stopping() and _forget_some(slot) == FORGOTTEN_AT_ONCE:
        pass


def _forget_some(slot: int) -> int:
    with relaxed_transaction(), connection.cursor() as cursor:
        cursor.execute(_FORGET[connection.vendor], (slot, FORGOTTEN_AT_ONCE))
        return int(cursor.rowcount)


def _around(asks: Asked) -> tuple[int, int]:
    seconds = [ask.second for ask in asks]
    return slots_around(min(seconds))[0], slots_around(max(seconds))[1]


def _by_slot(asks: Asked, slots: set[int]) -> dict[int, Asked]:
    found: dict[int, Asked] = {slot: {} for slot in slots}
    for ask, times in asks.items():
        slot = ask.second // SLOT_SECONDS
        if slot in found:
            found[slot][ask] = times
    return found
