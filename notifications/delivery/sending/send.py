"""The sender of one endpoint: the events after its position, in order, one request in flight, each until
accepted or given up.
"""

import logging
import time

from django.utils import timezone

from notifications.delivery.faces import Document, read_document
from notifications.delivery.filtering.filters import Filter
from notifications.delivery.sending.ledger import Ledger
from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.parcels import Batch, Parcel, gather_seconds, pack
from notifications.delivery.sending.reports import Reports
from notifications.delivery.sending.resend import Post, SideQueue
from notifications.log.consume import Feed, LoggedEvent

READ_AHEAD = 200
"""Events held in memory at a time."""
IDLE_SECONDS = 1.0
_GLANCE_SECONDS = 0.02
_NAP_SECONDS = 0.1
_GATHER_SECONDS = 0.05

logger = logging.getLogger(__name__)


class Sender:
    """Runs until it is told to stop. The ledger holds the position and the state of retries."""

    def __init__(
        self,
        *,
        feed: Feed,
        wanted: Filter,
        batch: Batch,
        post: Post,
        pace: Pace,
        ledger: Ledger,
        side: SideQueue,
        reports: Reports,
    ) -> None:
        self._feed = feed
        self._wanted = wanted
        self._batch = batch
        self._post = post
        self._pace = pace
        self._ledger = ledger
        self._side = side
        self._reports = reports

    def run(self) -> None:
        """Raises LeaseLost and database errors; what was not saved is then sent again by whoever comes next."""
        self._ledger.save()  # a database that takes nothing must not let the same events go out again and again
        while not self._is_over():
            self._side.work_off()
            for parcel in self._next_parcels():
                if not self._pass_on(parcel):
                    break
                self._ledger.save_if_due()
        self._ledger.settle()

    def _next_parcels(self) -> list[Parcel]:
        """What can be sent now. Waits a moment when there is nothing, or when more may come to fill a batch."""
        size = self._batch.size
        limit = max(READ_AHEAD, size)
        events = self._feed.read(limit, after=self._ledger.position)
        if not events:
            self._idle()
        parcels = list(pack(events, self._wanted, size))
        if not parcels or not 0 < len(parcels[-1].events) < size:
            return parcels
        if len(events) == limit:  # what follows in the log fills the last one, unless it is all there is
            return parcels[:-1] or parcels
        seconds = gather_seconds(parcels[-1], self._batch, timezone.now())
        if seconds and not parcels[:-1]:
            self._ledger.settle()
            self._feed.pause(min(seconds, _GATHER_SECONDS))
        return parcels[:-1] if seconds else parcels

    def _idle(self) -> None:
        """Wait at the end of the log, until there is more; not long while something is unsaved.

        After ignored events for a moment only, until their position is worth saving.
        """
        ledger = self._ledger
        ledger.save_if_due()
        if ledger.is_settled:
            self._feed.wait(_GLANCE_SECONDS if self._side.is_busy else IDLE_SECONDS)
        elif ledger.has_attempts:
            self._feed.wait(ledger.due_seconds, beyond=ledger.position)
        else:
            time.sleep(_GLANCE_SECONDS)

    def _pass_on(self, parcel: Parcel) -> bool:
        """Deal with the events for good; False when they were left for the next run."""
        events = parcel.events
        is_done = not events or self._deliver(events, [read_document(event.action, event.raw) for event in events])
        if is_done:
            self._ledger.skip(parcel.end)
        return is_done

    def _deliver(self, events: list[LoggedEvent], documents: list[Document]) -> bool:
        """Try until they are accepted or given up; False when neither came to pass."""
        while self._await_turn():
            self._pace.took(time.monotonic())
            outcome = self._post(documents)
            if outcome.is_success:
                self._ledger.succeed(events, outcome)
                self._reports.accepted(events[0])
                return True
            given_up = self._ledger.fail(events, outcome)
            self._reports.refused(events[0], outcome, self._ledger.retry, given_up)
            if given_up:
                return True
            self._ledger.save_if_due()
        return False

    def _await_turn(self) -> bool:
        """Wait until the next attempt is due; False when there is to be none."""
        while (seconds := self._wait_seconds(time.monotonic())) > 0 and not self._is_over():
            if seconds > _GLANCE_SECONDS:
                self._ledger.settle()
                self._side.work_off()
            time.sleep(min(seconds, _NAP_SECONDS))
        return not self._is_over()

    def _wait_seconds(self, now: float) -> float:
        return max(self._ledger.retry.wait_seconds(now), self._pace.wait_seconds(now))

    def _is_over(self) -> bool:
        return self._feed.stopping or self._ledger.is_held
