"""How far the counters are behind: who deletes by last use must have counted it first."""

from datetime import timedelta

from django.utils import timezone

from notifications.log.models import Intake
from notifications.log.state import read_state

MAX_BEHIND_SECONDS = 300.0


def behind_seconds() -> float:
    """The age of the oldest pull that may not be counted yet: in this node's journal, in the intake or in the log."""
    state = read_state()
    ages = [each.oldest_pending_seconds for each in state.consumers if each.name == "counters"]
    oldest = Intake.objects.order_by("id").values_list("received_at", flat=True).first()
    waiting = (timezone.now() - oldest) / timedelta(seconds=1) if oldest else None
    return max([age for age in (*ages, waiting, state.journal.oldest_seconds) if age is not None], default=0.0)


def why_not_counted() -> str:
    """Why last uses are not known well enough to delete by them; empty when they are."""
    seconds = behind_seconds()
    if seconds <= MAX_BEHIND_SECONDS:
        return ""
    return (
        f"pulls are counted {seconds:.0f} s late, so what was used of late is not known; it goes on by itself when the"
        " relay has caught up"
    )
