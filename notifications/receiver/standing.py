"""How each source stands: what has come from it, when it was last heard of, and whether its clock can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db.models import Count, QuerySet

from notifications.log import quarantine
from notifications.log.models import SourceTally
from registryhub.access.models import Source

BELIEVED_SECONDS = 300.0
"""How far a clock may be off: nearly all that happens is then counted in the hour in which it happened."""

Clock = Literal["", "right", "ahead", "behind"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one source. `waiting` are its events in quarantine that nobody has decided about."""

    source: Source
    waiting: int
    tally: SourceTally

    @property
    def clock(self) -> Clock:
        """`behind` may also be that its events wait before they are sent: from here that looks the same."""
        offset = self.tally.offset_seconds
        if offset is None:
            return ""
        if abs(offset) <= BELIEVED_SECONDS:
            return "right"
        return "ahead" if offset > 0 else "behind"

    @property
    def offset(self) -> timedelta | None:
        """How far the clock is off, in either direction."""
        seconds = self.tally.offset_seconds
        return None if seconds is None else timedelta(seconds=abs(seconds))


def read_standings(sources: QuerySet[Source, Any]) -> Sequence[Standing]:
    """In the order of the sources. Two queries, however many there are."""
    found = list(sources.select_related("tally"))
    undecided = quarantine.waiting().filter(source__in=found).order_by()
    waiting = dict(undecided.values_list("source").annotate(Count("pk")))
    return [Standing(source, waiting.get(source.pk, 0), _tally(source)) for source in found]


def _tally(source: Source) -> SourceTally:
    """Nothing has come from a source without one."""
    return source.tally if hasattr(source, "tally") else SourceTally(source=source)
