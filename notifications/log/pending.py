"""What waits in the intake: rows are loaded and read outside any transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.log.models import Intake
from notifications.log.readers import Reading, Unreadable
from registryhub.database.lookups import Lookup

_MAX_ROWS = 1000
_MAX_BYTES = 8 << 20

_WAITING = Lookup("log_intake_waiting", "SELECT id, length(raw) FROM log_intake ORDER BY id LIMIT %s")


@dataclass(slots=True)
class PendingRow:
    """An intake row: how many of its readings have been dealt with, and those that are left."""

    id: int
    source_id: int
    kind: str
    received_at: datetime
    done: int
    left: Sequence[Reading]

    def advance(self, count: int) -> None:
        self.done += count
        self.left = self.left[count:]


def load_pending(*, begun_id: int = 0, done: int = 0) -> list[PendingRow]:
    """The oldest rows: a bounded number of bytes, but at least one row if there is any.

    A row that was begun comes first, without what is done: so there is never more than one.
    """
    chosen = _choose()
    if begun_id and begun_id not in chosen and Intake.objects.filter(pk=begun_id).exists():
        chosen = [begun_id]
    rows = Intake.objects.filter(pk__in=chosen).order_by("pk") if chosen else ()
    pending = [PendingRow(row.pk, row.source_id, row.kind, row.received_at, 0, _readings(row)) for row in rows]
    pending.sort(key=lambda row: row.id != begun_id)
    if pending and pending[0].id == begun_id:
        pending[0].advance(done)
    return pending


def _choose() -> list[int]:
    chosen: list[int] = []
    total = 0
    for id_, size in _WAITING.all(_MAX_ROWS):
        if chosen and total + size > _MAX_BYTES:
            break
        chosen.append(id_)
        total += size
    return chosen


def _readings(row: Intake) -> Sequence[Reading]:
    raw = bytes(row.raw)
    path = settings.INTAKE_READERS.get(row.kind)
    if path is None:
        return [Unreadable(raw, f"settings.INTAKE_READERS names no reader for the kind {row.kind!r}")]
    try:
        readings: Sequence[Reading] = import_string(path)(raw)
        return readings
    except Exception as error:  # a reader that fails must not hold up what comes after it
        return [Unreadable(raw, f"the reader of {row.kind!r} failed: {error!r}")]
