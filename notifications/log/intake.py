"""The door of the log: raw bytes are stored first, and understood later by the sequencer."""

from typing import Literal

from django.db import connection
from django.utils import timezone

from registryhub.database.bulk import insert_large
from registryhub.database.lookups import Lookup

Kind = Literal["event", "journal", "distribution", "file"]

_LARGE_BYTES = 8192
_COLUMNS = ("source_id", "kind", "raw", "received_at")
_INSERT = "INSERT INTO log_intake (source_id, kind, raw, received_at) VALUES (%s, %s, %s, %s)"
# The latest rows: so it costs the same whatever waits before them.
_WAITING = Lookup(
    "log_intake_bytes",
    "SELECT kind, length(raw) FROM (SELECT kind, raw FROM log_intake ORDER BY id DESC LIMIT 64) AS latest",
)


def waiting_bytes(kind: str) -> int:
    """How much of a kind waits among the latest rows. Raises django.db.OperationalError."""
    return sum(size for found, size in _WAITING.all() if found == kind)


def store(*, source_id: int, kind: str, raw: bytes) -> None:
    """Store one row of raw bytes on the caller's transaction: it is in the log if and only if that commits.

    `kind` names the reader in settings.INTAKE_READERS: "event" is one wire event of this hub (with a second line for
    its facts), "journal" a journal segment (one event a line), "distribution" an envelope, "file" a piece of a file of
    them. Without a transaction it commits by itself.
    """
    now = timezone.now()
    if len(raw) >= _LARGE_BYTES:
        insert_large("log_intake", _COLUMNS, (source_id, kind, raw, now))
        return
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, (source_id, kind, raw, connection.ops.adapt_datetimefield_value(now)))
