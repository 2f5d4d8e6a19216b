"""Forgetting what the counters need no more.

Traces and pullers are kept as long after their last change as the ids of events are (`hub.log.seen`): an event that
would be a neighbour of older ones is refused as late.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from notifications.analytics import windows
from notifications.analytics.counters import NAME
from notifications.log.places import lock_place
from registryhub.database.transactions import relaxed_transaction

FORGOTTEN_AT_ONCE = 1000

_FORGET = {
    "postgresql": "DELETE FROM {table} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {table} WHERE changed_on < %s ORDER BY changed_on LIMIT %s))",
    "sqlite": "DELETE FROM {table} WHERE rowid IN ("
    "SELECT rowid FROM {table} WHERE changed_on < %s ORDER BY changed_on LIMIT %s)",
}


def forget(keep_seconds: float, is_stopping: Callable[[], bool]) -> None:
    """Remove what has not changed for so long, and a day more, in short transactions."""
    before = (timezone.now() - timedelta(seconds=keep_seconds, days=1)).date().isoformat()
    for table in ("analytics_trace", "analytics_puller"):
        while not is_stopping() and _forget_some(table, before) == FORGOTTEN_AT_ONCE:
            pass


def move_windows_on() -> None:
    """Let windows and days end now though nothing happens; nobody counts meanwhile."""
    with transaction.atomic():
        lock_place(NAME)
        if windows.read_frame() is not None:
            windows.move_on()


def _forget_some(table: str, before: str) -> int:
    with relaxed_transaction(), connection.cursor() as cursor:
        cursor.execute(_FORGET[connection.vendor].format(table=table), (before, FORGOTTEN_AT_ONCE))
        return int(cursor.rowcount)
