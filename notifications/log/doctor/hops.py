"""From the journal into the log: the hops of the probe that every event of a pull takes."""

import errno
import fcntl
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from notifications.log.doctor.probes import Probe, send_probe
from notifications.log.listing import read_head
from notifications.log.models import Event, Intake, LogHead, QuarantinedEvent, SeenEvent
from notifications.log.state import MAX_COUNTED, read_journal_state
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.doctor.findings import Finding, State
from registryhub.doctor.patience import SLOW_SECONDS, wait_until

_START_RELAY = "Start the hub with the role relay: manage.py serve --role relay, on this node or another one."
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_journal(folder: Path) -> tuple[Finding, Probe | None]:
    """The first hop, as a pull takes it."""
    began = time.monotonic()
    try:
        probe = send_probe(folder)
    except OSError as error:
        what = "the disk is full" if error.errno in _FULL else str(error)
        words = f"the journal in {folder} cannot be written: {what}; pulls are answered with 503"
        mend = "Free some room." if error.errno in _FULL else f"Let the user of this process write to {folder}."
        return Finding("journal", "stopped", words, mend), None
    return Finding("journal", "ok", "a probe is written and synced", seconds=time.monotonic() - began), probe


def await_shipper(probe: Probe, folder: Path, patience_seconds: float) -> Finding:
    """Until the segment has been taken to the intake, by which it is removed."""
    if wait_until(lambda: not probe.segment.exists(), patience_seconds):
        return passed("shipper", "the journal's segment is in the intake", since=probe.sent_at)
    waiting = f"segments that wait in {folder}: {read_journal_state(folder).segments}"
    if not has_shipper(folder):
        words = f"no shipper runs on this node; {waiting}"
        return Finding("shipper", "stopped", words, "Start the hub with the role web on this node: manage.py serve.")
    words = f"the shipper runs and does not take the segment; {waiting}"
    return Finding("shipper", "stopped", words, "See the log of the program ship: the database may refuse or be slow.")


def has_shipper(folder: Path) -> bool:
    """Whether somebody holds the folder, as the one shipper of a node does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, slots=True)
class Start:
    """How the log stood when the probe was sent."""

    head: int
    moment: datetime


def read_start() -> Start:
    return Start(read_head(), timezone.now())


def await_sequencer(probe: Probe, start: Start, patience_seconds: float) -> tuple[Finding, int | None]:
    """Until the probe has a number, and which."""
    began = time.monotonic()
    if wait_until(lambda: SeenEvent.objects.filter(pk=(HUB_SOURCE_ID, probe.event_id)).exists(), patience_seconds):
        wanted = Event.objects.filter(source_id=HUB_SOURCE_ID, event_id=probe.event_id, seq__gt=start.head)
        seq = wanted.values_list("seq", flat=True).first()
        return passed("sequencer", f"the probe is event {seq} of the log", since=began), seq
    return _why_not_numbered(probe, start), None


def _why_not_numbered(probe: Probe, start: Start) -> Finding:
    if reason := _quarantine_reason(probe, start):
        return Finding("sequencer", "stopped", f"the probe went to quarantine: {reason}", "Read what the reason says.")
    held = ExpressionWrapper(Q(expires_at__gt=Now()), output_field=BooleanField())
    head = LogHead.objects.annotate(is_held=held).filter(pk=1).first()
    waiting = f"rows that wait in the intake: {Intake.objects.order_by()[:MAX_COUNTED].count()}"
    if head is None or not head.holder:
        return Finding("sequencer", "stopped", f"no relay runs; {waiting}", _START_RELAY)
    if not head.is_held:
        ended = f"its lease ran out at {head.expires_at:%H:%M:%S} UTC"
        words = f"the relay {head.holder} has died or hangs, {ended}; {waiting}"
        return Finding("sequencer", "stopped", words, _START_RELAY)
    if head.position > start.head:
        words = f"the relay {head.holder} numbers events and has not come to the probe; {waiting}"
        return Finding("sequencer", "slow", words, "Wait; if it lasts, the database or its disk is slow.")
    words = f"the relay {head.holder} holds the head of the log and does not move it; {waiting}"
    mend = "See its log; when it hangs, end that process: another one takes over within seconds."
    return Finding("sequencer", "stopped", words, mend)


def _quarantine_reason(probe: Probe, start: Start) -> str:
    since = QuarantinedEvent.objects.filter(source_id=HUB_SOURCE_ID, received_at__gte=start.moment)
    return next((row.reason for row in since if probe.event_id.encode() in bytes(row.raw)), "")


def passed(name: str, words: str, *, since: float) -> Finding:
    """It got there, in time or not."""
    seconds = time.monotonic() - since
    state: State = "ok" if seconds <= SLOW_SECONDS else "slow"
    return Finding(name, state, words, seconds=seconds)
