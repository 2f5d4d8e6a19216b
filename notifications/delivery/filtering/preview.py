"""What an endpoint would get, before it is saved: of the latest events, and of a window of history.

Nothing is sent and nothing is stored. The work is bounded, and the answers say how far they looked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from notifications.delivery.definitions.typed import Document, Typed, read_settings
from notifications.delivery.filtering.filters import Filter, build_filter
from notifications.log.consume import LoggedEvent, read_without_raw
from notifications.log.listing import read_head, read_tail
from notifications.log.models import Event
from notifications.log.moments import find_moment
from registryhub.config.notifications import Endpoint as Configured

PREVIEWED = 50
"""So many of the latest events are judged one by one."""
WINDOW_DAYS = 14
MAX_WINDOW_DAYS = 366
LOOKED_AT = 100_000
"""So many events of the log are looked at, unless the filter is about changes only: these an index finds."""
TRIED = 20_000
"""So many of them are tried on the filter: about half a second."""
_AT_ONCE = 2_000
_NOWHERE = "https://preview.invalid/"
_DECIDING = frozenset(("filter", "ignore", "ignoredmediatypes"))
_KNOWN = frozenset(("start", *(field.alias or name for name, field in Configured.model_fields.items())))
_CHANGES = Q(action="push") | Q(action="mount") | Q(action="delete")
"""Word by word the condition of the index event_changes."""


class Verdict(NamedTuple):
    """An event, and the key of the settings that keeps it from being sent; None when it is sent."""

    event: LoggedEvent
    refused_by: str | None


class Preview(NamedTuple):
    """The latest events that an endpoint without a filter would get, the newest first."""

    verdicts: Sequence[Verdict]

    @property
    def matching(self) -> int:
        """How many of them are sent."""
        return sum(verdict.refused_by is None for verdict in self.verdicts)


class Backtest(NamedTuple):
    """What would have been sent since then, a day (UTC) each, the oldest first.

    `since` is the beginning of the window, of the log, or of what was looked at, whichever is the latest; `is_whole` is
    whether all of the window that is in the log was looked at. `looked_at` are events of the log, sent or not.
    """

    since: datetime
    days: Mapping[date, int]
    looked_at: int
    is_whole: bool
    seconds: float

    @property
    def sent(self) -> int:
        """All of them."""
        return sum(self.days.values())

    @property
    def a_day(self) -> float:
        """On average; of less than a day what there was."""
        return self.sent / max(1.0, self.seconds / 86_400)


def read_filter(document: Document) -> Filter:
    """What an endpoint of these settings gets. The others of its settings may be there or not. Raises BadEndpoint."""
    deciding = {key: value for key, value in document.items() if key in _DECIDING or key not in _KNOWN}
    configured = read_settings("preview", Typed({"url": _NOWHERE, **deciding}))
    return build_filter(
        configured.ignored_actions,
        configured.ignored_media_types,
        settings.HUB.hub.events,
        chosen=configured.filter,
    )


def preview(wanted: Filter) -> Preview:
    """Two queries."""
    sendable = build_filter((), (), settings.HUB.hub.events)
    first = max(1, read_head() - LOOKED_AT)
    latest = Event.objects.filter(sendable.condition(), seq__gte=first).order_by("-seq")[:PREVIEWED]
    return Preview([Verdict(event, wanted.refuser(event)) for event in read_without_raw(latest)])


def backtest(wanted: Filter, *, days: int = WINDOW_DAYS) -> Backtest:
    """The newest events first, as far as the window and the limits go."""
    now, head = timezone.now(), read_head()
    asked = now - timedelta(days=days)
    oldest = max(find_moment(asked, head), read_tail())
    lowest = oldest if wanted.only_changes else max(oldest, head + 1 - LOOKED_AT)
    sent: Counter[date] = Counter()
    for number, event in enumerate(_candidates(wanted, asked, lowest)):
        if number == TRIED:
            lowest = event.seq + 1
            break
        if wanted.takes(event):
            sent[event.received_at.astimezone(UTC).date()] += 1
    since = max(asked, _came_in(lowest) or asked)
    span = (now.date() - since.date()).days
    return Backtest(
        since=since,
        days={day: sent[day] for day in (since.date() + timedelta(days=number) for number in range(span + 1))},
        looked_at=head + 1 - lowest,
        is_whole=lowest == oldest,
        seconds=(now - since).total_seconds(),
    )


def _came_in(seq: int) -> datetime | None:
    """When the event of this number came in, or the next that is still there."""
    return Event.objects.filter(seq__gte=seq).order_by("seq").values_list("received_at", flat=True).first()


def _candidates(wanted: Filter, since: datetime, lowest: int) -> Iterator[LoggedEvent]:
    """What may be sent, the newest first."""
    narrow = _CHANGES if wanted.only_changes else Q()
    matching = Event.objects.filter(wanted.condition(), narrow, received_at__gte=since, seq__gte=lowest)
    before: int | None = None
    while True:
        part = matching if before is None else matching.filter(seq__lt=before)
        events = read_without_raw(part.order_by("-seq")[:_AT_ONCE])
        yield from events
        if len(events) < _AT_ONCE:
            return
        before = events[-1].seq
