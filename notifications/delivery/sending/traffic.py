"""Which events may go out now where some may overtake others: their order, how many requests are under way, and when
a request that failed is made again.

A lane is what keeps its order: a repository, or where no order is asked for each event by itself. Of a lane one
request is under way or waits for its next attempt; the others go on meanwhile. A request that fails is made again with
the same events, by a count and a wait of its own. The endpoint's own failures count beside that, in the order in
which answers come: while there are as many in a row as its threshold, one request is made at a time, after its wait.

Pure, over times that the caller reads: `now` is seconds of a monotonic clock, `today` is the time of the log.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush

from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.parcels import Batch, Parcel, gather_seconds
from notifications.delivery.sending.retry import Retry
from notifications.log.consume import LoggedEvent
from registryhub.config.notifications import OrderName

AHEAD = 2_000
"""Events at most, from the oldest one that is not dealt with on: held in memory, and sent again after a crash."""

_Lane = str | int


@dataclass(slots=True, eq=False)
class Shipment:
    """The events of one request, in their order, and the attempts to make it."""

    events: list[LoggedEvent]
    own: Retry


class Traffic:
    """`most` requests under way at a time. All events up to `position` are dealt with; `read_to` is the last one read.

    `retry` is the endpoint's, kept by the caller. It says also how often the event after the position has failed
    before.
    """

    def __init__(self, *, order: OrderName, most: int, batch: Batch, retry: Retry, pace: Pace, position: int) -> None:
        self.position = self.read_to = position
        self.under_way = 0
        self._order = order
        self._most = most
        self._batch = batch
        self._retry = retry
        self._pace = pace
        self._lanes: dict[_Lane, deque[LoggedEvent]] = {}  # held ones too, perhaps with nothing behind
        self._free: list[tuple[int, _Lane]] = []  # a heap, by the first event of each
        self._held: set[_Lane] = set()
        self._sendable = 0  # events in free lanes
        self._failed: list[tuple[float, int, Shipment]] = []  # a heap, by the time of the next attempt
        self._failures: dict[int, int] = {}  # of shipments, by their first event
        self._numbers: deque[int] = deque()  # of events after the position
        self._settled: set[int] = set()
        self._restored = retry.event_failures

    @property
    def wanted(self) -> int:
        """How many more events should be read; 0 while there are enough that may go out."""
        is_short = self._sendable < self._batch.size * self._most
        return AHEAD - len(self._numbers) if is_short else 0

    @property
    def first_failures(self) -> int:
        """How often the event after the position has failed."""
        return self._failures.get(self._numbers[0], 0) if self._numbers else 0

    def add(self, events: Iterable[LoggedEvent], end: int) -> None:
        """The next events of the log that are for this endpoint; all up to `end` was looked at for them."""
        for event in events:
            self._numbers.append(event.seq)
            lane = self._lane(event)
            waiting = self._lanes.get(lane)
            if waiting is None:
                self._lanes[lane] = deque((event,))
                heappush(self._free, (event.seq, lane))
            else:
                waiting.append(event)
            self._sendable += lane not in self._held
        self.read_to = end
        self._advance()

    def take(self, now: float, today: datetime) -> Shipment | None:
        """What is to be sent now. The caller says with `settle` or `put_back` what became of it."""
        if self.under_way >= self._limit or self._pause_seconds(now) > 0:
            return None
        if self._failed and self._failed[0][0] <= now:
            shipment = heappop(self._failed)[2]
        elif self._free and self._gather_seconds(today) <= 0:
            shipment = self._pack()
        else:
            return None
        self.under_way += 1
        self._pace.took(now)
        return shipment

    def wait_seconds(self, now: float, today: datetime) -> float:
        """How long there is nothing to send unless an answer or an event comes; infinite when only that can help."""
        if self.under_way >= self._limit:
            return math.inf
        soonest = self._failed[0][0] - now if self._failed else math.inf
        if self._free:
            soonest = min(soonest, self._gather_seconds(today))
        return max(soonest, self._pause_seconds(now))

    def settle(self, shipment: Shipment) -> None:
        """It was accepted or given up: its lanes are free for what follows."""
        self.under_way -= 1
        self._failures.pop(shipment.events[0].seq, None)
        self._settled.update(event.seq for event in shipment.events)
        for lane in {self._lane(event) for event in shipment.events}:
            self._release(lane)
        self._advance()

    def put_back(self, shipment: Shipment) -> None:
        """It failed, as its own count knows already, and is to be sent again."""
        self.under_way -= 1
        own, first = shipment.own, shipment.events[0].seq
        self._failures[first] = own.event_failures
        heappush(self._failed, (own.last_failure + own.delay_seconds, first, shipment))

    @property
    def _limit(self) -> int:
        return 1 if self._retry.failures >= self._retry.policy.threshold else self._most

    def _pause_seconds(self, now: float) -> float:
        return max(self._retry.wait_seconds(now), self._pace.wait_seconds(now))

    def _gather_seconds(self, today: datetime) -> float:
        """How long the oldest event of the free lanes may wait for more to fill a batch."""
        if not self._batch.wait_seconds or self._sendable >= self._batch.size:
            return 0.0
        first = self._lanes[self._free[0][1]][0]
        return gather_seconds(Parcel([first], first.seq), self._batch, today)

    def _lane(self, event: LoggedEvent) -> _Lane:
        if self._order == "none":
            return event.seq
        return event.repository if self._order == "repository" else ""

    def _pack(self) -> Shipment:
        """The oldest events of free lanes, as many as fit; the lanes are held from now on."""
        events: list[LoggedEvent] = []
        size = self._batch.size
        while self._free and len(events) < size:
            _, lane = heappop(self._free)
            waiting = self._lanes[lane]
            events.append(waiting.popleft())
            if waiting and len(events) < size:
                heappush(self._free, (waiting[0].seq, lane))
        self._hold({self._lane(event) for event in events})
        self._sendable -= len(events)
        failures, self._restored = self._restored, 0
        return Shipment(events, Retry(self._retry.policy, failures=failures, event_failures=failures))

    def _hold(self, lanes: set[_Lane]) -> None:
        self._held |= lanes
        self._sendable -= sum(len(self._lanes[lane]) for lane in lanes)
        if self._batch.size > 1:
            self._free = [entry for entry in self._free if entry[1] not in lanes]
            heapify(self._free)

    def _release(self, lane: _Lane) -> None:
        self._held.discard(lane)
        if waiting := self._lanes[lane]:
            self._sendable += len(waiting)
            heappush(self._free, (waiting[0].seq, lane))
        else:
            del self._lanes[lane]

    def _advance(self) -> None:
        """The position goes as far as everything is settled."""
        numbers, settled = self._numbers, self._settled
        while numbers and numbers[0] in settled:
            settled.remove(numbers.popleft())
        self.position = numbers[0] - 1 if numbers else self.read_to
