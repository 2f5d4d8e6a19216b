"""Bringing files of old envelopes and logs in, a piece at a time, so that it can be interrupted and gone on with."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Now

from notifications.log import intake
from notifications.log.models import ImportedFile, Intake, LogHead
from notifications.receiver.files import KIND, FileRefused, cut, fingerprint, set_aside
from notifications.receiver.logs.formats import Log
from registryhub.access.models import Source

MOST_WAITING = 8
"""Rows in the intake, beyond which we wait: what happens now shall not wait for what happened then."""
_PAUSE_SECONDS = 0.1


class Taken(NamedTuple):
    """How many lines of a file were gone through, and how many of them are of a log and of no image."""

    lines: int
    skipped: int


def bring_in(
    path: Path, source: Source, *, limit_bytes: int, report: Callable[[int], None], log: Log | None = None
) -> Taken:
    """Take in what of the file is not in yet. `report` is told how far it has come; `log` is how to read a log.

    The same file of the same source is known by its content: done twice, the second time takes nothing. Raises
    FileRefused and OSError; what was taken until then stays, and is not taken again.
    """
    row, _ = ImportedFile.objects.get_or_create(source=source, fingerprint=fingerprint(path, log))
    began = done = row.lines
    skipped = 0
    for found in cut(path, done=done, limit_bytes=limit_bytes, log=log):
        piece, strange = set_aside(found)
        _wait_for_room()
        with transaction.atomic():
            reached = done + len(piece.lines)
            if not ImportedFile.objects.filter(pk=row.pk, lines=done).update(lines=reached):
                raise FileRefused(f"{path.name} is being brought in by another process; let it finish")
            intake.store(source_id=source.pk, kind=KIND, raw=piece.encode())
        done = reached
        skipped += strange
        report(done)
    return Taken(done - began, skipped)


def _wait_for_room() -> None:
    """Until the sequencer has caught up; at once when there is none, who will find everything when it comes."""
    while Intake.objects.order_by()[: MOST_WAITING + 1].count() > MOST_WAITING:
        if not LogHead.objects.filter(pk=1, expires_at__gt=Now()).exists():
            return
        time.sleep(_PAUSE_SECONDS)
