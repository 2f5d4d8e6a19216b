"""The doctor's check of sources, for settings.DOCTOR_CHECKS: whether anything comes, and by what clock."""

from collections.abc import Iterator

from notifications.receiver.standing import Standing, read_standings
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding


def look_at_sources(visit: Visit) -> Iterator[Finding]:
    """Of each registry whose events come in; the hub's own way is followed by a probe."""
    for standing in read_standings(Source.objects.exclude(pk=HUB_SOURCE_ID).order_by("name")):
        yield _look_at(f"source {standing.source.name}", standing)


def _look_at(name: str, standing: Standing) -> Finding:
    tally, seconds = standing.tally, abs(standing.tally.offset_seconds or 0)
    if not standing.source.is_enabled:
        return Finding(name, "skipped", "is disabled")
    if tally.last_received_at is None:
        return Finding(name, "ok", "nothing has come from it yet")
    if standing.clock == "ahead":
        words = f"its clock is {seconds:.0f} s ahead of ours, so its events are counted in the wrong hours"
        return Finding(name, "warning", words, "Set its clock right.")
    if standing.clock == "behind":
        words = f"what came soonest of late was {seconds:.0f} s old"
        return Finding(name, "warning", words, "Set its clock right, or see what holds up its events.")
    return Finding(name, "ok", f"{tally.events} events, the last one at {tally.last_received_at:%Y-%m-%d %H:%M:%S} UTC")
