"""Bringing files of old envelopes in, a piece at a time, so that it can be interrupted and gone on with."""

import time
from collections.abc import Callable
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now

from notifications.log import intake
from notifications.log.models import ImportedFile, Intake, LogHead
from notifications.receiver.files import KIND, FileRefused, cut, fingerprint
from registryhub.access.models import Source

MOST_WAITING = 8
"""Rows in the intake, beyond which we wait: what happens now shall not wait for what happened then."""
_PAUSE_SECONDS = 0.1


def bring_in(path: Path, source: Source, *, limit_bytes: int, report: Callable[[int], None]) -> int:
    """Take in what of the file is not in yet; how many lines that were. `report` is told how far it has come.

    The same file of the same source is known by its content: done twice, the second time takes nothing. Raises
    FileRefused and OSError; what was taken until then stays, and is not taken again.
    """
    row, _ = ImportedFile.objects.get_or_create(source=source, fingerprint=fingerprint(path))
    began = done = row.lines
    for piece in cut(path, done=done, limit_bytes=limit_bytes):
        _wait_for_room()
        with transaction.atomic():
            reached = done + len(piece.lines)
            if not ImportedFile.objects.filter(pk=row.pk, lines=done).update(lines=reached):
                raise FileRefused(f"{path.name} is being brought in by another process; let it finish")
            intake.store(source_id=source.pk, kind=KIND, raw=piece.encode())
        done = reached
        report(done)
    return done - began


def _wait_for_room() -> None:
    """Until the sequencer has caught up; at once when there is none, who will find everything when it comes."""
    while Intake.objects.order_by()[: MOST_WAITING + 1].count() > MOST_WAITING:
        if not LogHead.objects.filter(pk=1, expires_at__gt=Now()).exists():
            return
        time.sleep(_PAUSE_SECONDS)
