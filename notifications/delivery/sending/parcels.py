"""What goes into one request: the next events that an endpoint wants, in order, so many at most.

Pure.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from notifications.delivery.filtering.filters import Filter
from notifications.log.consume import LoggedEvent


class Parcel(NamedTuple):
    """Events for one request, none when all that was read is for others. All up to `end` is dealt with by it."""

    events: list[LoggedEvent]
    end: int


class Batch(NamedTuple):
    """So many events a request at most; a smaller one is sent when its first event has been in the log for so long."""

    size: int = 1
    wait_seconds: float = 0.0


def pack(events: Sequence[LoggedEvent], wanted: Filter, size: int) -> Iterator[Parcel]:
    """The parcels of a part of the log; the last one may be smaller than `size`."""
    chosen: list[LoggedEvent] = []
    for event in events:
        if wanted.takes(event):
            chosen.append(event)
        elif not chosen:
            yield Parcel([], event.seq)
        if len(chosen) == size:
            yield Parcel(chosen, event.seq)
            chosen = []
    if chosen:
        yield Parcel(chosen, events[-1].seq)


def gather_seconds(parcel: Parcel, batch: Batch, now: datetime) -> float:
    """How long the last parcel of the log may wait for more; 0 when its first event has waited long enough."""
    waited = (now - parcel.events[0].received_at) / timedelta(seconds=1)
    return min(batch.wait_seconds, max(0.0, batch.wait_seconds - waited))
