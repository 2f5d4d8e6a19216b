"""The newest events, kept in memory so that consumers at the head need not read them back."""

from notifications.log.consume import LoggedEvent, read_events

_KEPT = 4096


class Recent:
    """The end of the log, as far as this process has written it. For one thread."""

    def __init__(self) -> None:
        self._events: list[LoggedEvent] = []

    def add(self, events: list[LoggedEvent]) -> None:
        """Events that are committed; they follow each other without a gap."""
        if self._events and events and events[0].seq != self._events[-1].seq + 1:
            self._events = []  # another process has led in between
        self._events += events
        if len(self._events) > 2 * _KEPT:
            del self._events[:-_KEPT]

    def after(self, position: int, limit: int) -> list[LoggedEvent]:
        """Up to `limit` events after the position, from memory or from the database."""
        if self._events and self._events[0].seq <= position + 1 <= self._events[-1].seq:
            start = position + 1 - self._events[0].seq
            return self._events[start : start + limit]
        return read_events(position, limit)
