"""The doctor's checks of the log, for settings.DOCTOR_CHECKS: the probe's way, and what lies in quarantine."""

from collections.abc import Iterator

from django.conf import settings

from notifications.log import quarantine
from notifications.log.doctor.consumers import await_consumers
from notifications.log.doctor.hops import await_sequencer, await_shipper, read_start, write_journal
from notifications.log.state import MAX_COUNTED
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding

_NOT_REACHED = "the probe did not get that far"


def follow_probe(visit: Visit) -> Iterator[Finding]:
    """Send a probe and say of each hop whether it came through."""
    folder, patience = settings.DATA_DIR / "journal", visit.patience_seconds
    start = read_start()
    written, probe = write_journal(folder)
    yield written
    shipped = await_shipper(probe, folder, patience) if probe else Finding("shipper", "skipped", _NOT_REACHED)
    yield shipped
    numbered, seq = Finding("sequencer", "skipped", _NOT_REACHED), None
    if probe and shipped.state in ("ok", "slow"):
        numbered, seq = await_sequencer(probe, start, patience)
    yield numbered
    yield from await_consumers(seq, patience)


def look_into_quarantine(visit: Visit) -> Iterator[Finding]:
    """What could not be read waits for somebody to look at it."""
    count = quarantine.waiting().order_by()[:MAX_COUNTED].count()
    if not count:
        yield Finding("quarantine", "ok", "is empty")
        return
    newest = quarantine.waiting().order_by("-id").select_related("source").defer("raw")[0]
    words = f"{count} events that could not be read, the newest from {newest.source.name}: {newest.reason[:200]}"
    yield Finding("quarantine", "warning", words, "Look at them on the page of sources; retry or discard them.")
