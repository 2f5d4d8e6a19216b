"""The sender of an endpoint whose events may overtake each other: several requests under way, each repository in its
order, or none.
"""

import time

from django.utils import timezone

from notifications.delivery.filtering.filters import Filter
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.lanes import Lanes
from notifications.delivery.sending.ledger import Ledger
from notifications.delivery.sending.reports import Reports
from notifications.delivery.sending.resend import SideQueue
from notifications.delivery.sending.send import IDLE_SECONDS, READ_AHEAD
from notifications.delivery.sending.traffic import Shipment, Traffic
from notifications.log.consume import Feed

_GLANCE_SECONDS = 0.02


class OvertakingSender:
    """Runs until it is told to stop. The traffic says what may go out; books are kept by this thread alone."""

    def __init__(
        self,
        *,
        feed: Feed,
        wanted: Filter,
        traffic: Traffic,
        lanes: Lanes,
        ledger: Ledger,
        side: SideQueue,
        reports: Reports,
    ) -> None:
        self._feed = feed
        self._wanted = wanted
        self._traffic = traffic
        self._lanes = lanes
        self._ledger = ledger
        self._side = side
        self._reports = reports
        self._look_at = 0.0

    def run(self) -> None:
        """Raises LeaseLost and database errors; what was not saved is then sent again by whoever comes next."""
        try:
            self._ledger.save()  # a database that takes nothing must not let the same events go out again and again
            while not self._is_over():
                self._side.work_off()
                has_more = self._read_ahead()
                self._send()
                self._receive(0.0) if has_more else self._wait()
                self._ledger.save_if_due()
            while self._traffic.under_way:
                self._receive(IDLE_SECONDS)
            self._ledger.settle()
        finally:
            self._lanes.close()

    def _read_ahead(self) -> bool:
        """Read on when what is at hand runs out; whether there is more to read at once."""
        traffic, now = self._traffic, time.monotonic()
        count = min(traffic.wanted, READ_AHEAD)
        if count <= 0 or (now < self._look_at and not self._feed.reaches_beyond(traffic.read_to)):
            return False
        events = self._feed.read(count, after=traffic.read_to)
        if events:
            traffic.add([event for event in events if self._wanted.takes(event)], events[-1].seq)
            self._ledger.skip(traffic.position)
        if len(events) < count:
            self._look_at = now + IDLE_SECONDS
        return len(events) == count and traffic.wanted > 0

    def _send(self) -> None:
        while (shipment := self._traffic.take(time.monotonic(), timezone.now())) is not None:
            self._lanes.start(shipment)

    def _wait(self) -> None:
        """Until something has come home, may go out or came into the log; not long, since a stop may be asked."""
        seconds = self._traffic.wait_seconds(time.monotonic(), timezone.now())
        if self._traffic.under_way:
            self._receive(min(seconds, _GLANCE_SECONDS))
            return
        if self._ledger.has_attempts and seconds > _GLANCE_SECONDS:
            self._ledger.settle()
        if self._ledger.is_settled:
            longest = _GLANCE_SECONDS if self._side.is_busy else IDLE_SECONDS
            self._feed.wait(min(seconds, longest), beyond=self._traffic.read_to)
        else:
            time.sleep(min(seconds, _GLANCE_SECONDS))

    def _receive(self, seconds: float) -> None:
        """Write down what has come home; wait for the first so long at most."""
        while (arrival := self._lanes.arrival(seconds)) is not None:
            self._take_in(*arrival)
            seconds = 0.0

    def _take_in(self, shipment: Shipment, outcome: Outcome) -> None:
        events, traffic, ledger = shipment.events, self._traffic, self._ledger
        if outcome.is_success:
            ledger.succeed(events, outcome)
            self._reports.accepted(events[0])
            traffic.settle(shipment)
        else:
            shipment.own.failed(time.monotonic(), asked_seconds=outcome.asked_seconds)
            given_up = ledger.fail(events, outcome, shipment.own)
            self._reports.refused(events[0], outcome, ledger.retry, given_up)
            if given_up:
                traffic.settle(shipment)
            else:
                traffic.put_back(shipment)
        ledger.skip(traffic.position)
        ledger.retry.event_failures = traffic.first_failures

    def _is_over(self) -> bool:
        return self._feed.stopping or self._ledger.is_held
