"""What the doctor found yesterday: one receiver was down."""

from datetime import datetime, timedelta

from registryhub.doctor.findings import Finding, is_well
from registryhub.doctor.models import Checkup

_FINDINGS = (
    Finding("configuration", "ok", "is valid"),
    Finding("storage", "ok", "a file was written, synced, read and removed", seconds=0.03),
    Finding("journal", "ok", "a probe is written and synced", seconds=0.01),
    Finding("sequencer", "slow", "the probe is event 18401702 of the log", seconds=3.4),
    Finding(
        "endpoint audit-lake",
        "stopped",
        "12 attempts in a row have failed: no answer within 5 s; next try in 42 s; events behind the head: 7",
        "See that https://lake.example.org/registry accepts events with a status of 2xx; what waits is kept and sent.",
    ),
    Finding("endpoint old-mirror", "skipped", "disabled by its settings"),
    Finding("quarantine", "warning", "1 events that could not be read", "Look at them on the page of sources."),
)


def fill_checkups(now: datetime) -> None:
    """One examination that is over."""
    began = now - timedelta(days=1)
    Checkup.objects.create(
        started_at=began,
        finished_at=began + timedelta(seconds=9),
        asked_by="admin",
        findings=[finding.document() for finding in _FINDINGS],
        is_well=is_well(_FINDINGS),
    )
