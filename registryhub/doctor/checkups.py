"""Checkups: begun by the command, the page or the API; carried out where they were begun, and written down."""

import threading
from collections.abc import Iterator
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from registryhub.doctor.examination import PATIENCE_SECONDS, Visit, examine
from registryhub.doctor.findings import Finding, is_well
from registryhub.doctor.models import LONGEST_SECONDS, Checkup

KEPT = 20


def begin(asked_by: str = "", *, delivers: bool = False) -> Checkup:
    """A new checkup. Raises DatabaseError."""
    checkup = Checkup.objects.create(asked_by=asked_by, delivers=delivers)
    old = Checkup.objects.order_by("-id").values_list("pk", flat=True)[KEPT:]
    Checkup.objects.filter(pk__in=list(old)).delete()
    return checkup


def begin_in_background(asked_by: str, *, delivers: bool = False) -> Checkup:
    """Begin one in a thread of this process, unless one is under way: then that one.

    Whoever asks sees its row fill. When the process ends in between, the row says after a while that it is abandoned.
    """
    since = timezone.now() - timedelta(seconds=LONGEST_SECONDS)
    running = Checkup.objects.filter(finished_at=None, started_at__gt=since).order_by("-id").first()
    if running is not None:
        return running
    checkup = begin(asked_by, delivers=delivers)
    threading.Thread(target=_carry_out, args=(checkup,), name=f"doctor {checkup.pk}", daemon=True).start()
    return checkup


def carry_out(
    checkup: Checkup | None, *, delivers: bool = False, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[Finding]:
    """Every finding as soon as it is known, and written down if there is a row that can be written."""
    found: list[Finding] = []
    for finding in examine(Visit(checkup.pk if checkup else None, delivers, patience_seconds)):
        found.append(finding)
        _write_down(checkup, found)
        yield finding
    _write_down(checkup, found, is_finished=True)


def answer(checkup: int) -> None:
    """A worker has read the message that asks whether it is there."""
    Checkup.objects.filter(pk=checkup, worker_answered_at=None).update(worker_answered_at=timezone.now())


def _carry_out(checkup: Checkup) -> None:
    try:
        for _ in carry_out(checkup, delivers=checkup.delivers):
            pass
    finally:
        connection.close()


def _write_down(checkup: Checkup | None, found: list[Finding], *, is_finished: bool = False) -> None:
    """A database that is away does not end the examination: that is one of the things it may find."""
    if checkup is None:
        return
    written = {"findings": [finding.document() for finding in found]}
    end = {"finished_at": timezone.now(), "is_well": is_well(found)} if is_finished else {}
    try:
        Checkup.objects.filter(pk=checkup.pk).update(**written, **end)
    except (DatabaseError, InterfaceError):
        connection.close()
