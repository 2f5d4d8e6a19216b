"""How fast a source may send, over all processes: what it has sent keeps it busy for as long as its limit says.

In the database, since a share for each process would be wrong whenever a sender keeps to one of them. Only sources
with a limit pay for it, in the transaction that stores the envelope. An envelope is taken whole however large it is,
as long as the source is not busy for more than BURST_SECONDS yet; a large one keeps it busy for the longer.
"""

from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone

from notifications.receiver.models import Pace
from registryhub.access.models import Source
from registryhub.oci.errors import TOOMANYREQUESTS, OciError

BURST_SECONDS = 10.0


def check_pace(source: Source) -> None:
    """Before a body is read. Raises OciError TOOMANYREQUESTS, with when to come again, for a source that is busy."""
    if source.events_per_second:
        busy_until = Pace.objects.filter(source=source).values_list("busy_until", flat=True).first()
        _refuse_busy(source, busy_until, timezone.now())


def keep_busy(source: Source, events: int) -> None:
    """Count events that come in, on the caller's transaction. Raises OciError as above, for the later of two."""
    if not source.events_per_second:
        return
    now = timezone.now()
    Pace.objects.get_or_create(source=source, defaults={"busy_until": now})
    pace = Pace.objects.select_for_update().get(source=source)
    _refuse_busy(source, pace.busy_until, now)
    pace.busy_until = max(pace.busy_until, now) + timedelta(seconds=events / source.events_per_second)
    pace.save(update_fields=["busy_until"])


def _refuse_busy(source: Source, busy_until: datetime | None, now: datetime) -> None:
    left = (busy_until - now).total_seconds() - BURST_SECONDS if busy_until else 0.0
    if left > 0:
        wait = str(ceil(left))
        told = f"source {source.name} may send {source.events_per_second:g} events a second; come again in {wait} s"
        raise OciError(TOOMANYREQUESTS, told, headers=(("retry-after", wait),))
