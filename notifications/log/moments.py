"""Finding a moment in the log without an index of times: numbers are given in order of arrival, and without gaps."""

from datetime import datetime

from notifications.log.models import Event

PROBES = 2_000
"""Events looked at in one query."""
ROUGHLY = 5_000
"""So many events too early is early enough: whoever reads on compares the times themselves."""


def find_moment(moment: datetime, head: int) -> int:
    """A number at most ROUGHLY before that of the first event that came in at the moment or later.

    No query for a short log, one for up to ten million events, two for 20 billion.
    """
    low, high = 1, head + 1
    while high - low > ROUGHLY:
        low, high = _narrow(moment, low, high)
    return low


def _narrow(moment: datetime, low: int, high: int) -> tuple[int, int]:
    """What is looked for is in low … high; events that are no longer in the log came in before all others."""
    step = -(-(high - low) // PROBES)
    probes = range(low + step, high, step)
    later = Event.objects.filter(seq__in=list(probes), received_at__gte=moment)
    first = later.order_by("seq").values_list("seq", flat=True).first()
    if first is None:
        return (probes[-1] if probes else low), high
    return first - step, first
