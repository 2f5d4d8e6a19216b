"""The sender of one endpoint: the events after its position, in order, one request in flight, each until
accepted or given up."""

import logging
import time
from typing import Any

import orjson

from notifications.delivery.filters import Filter
from notifications.delivery.ledger import Ledger
from notifications.delivery.reports import Reports
from notifications.delivery.resend import Post, SideQueue
from notifications.events import as_pull
from notifications.log.consume import Feed, LoggedEvent

READ_AHEAD = 200
"""Events held in memory at a time."""
IDLE_SECONDS = 1.0
_GLANCE_SECONDS = 0.02
_NAP_SECONDS = 0.1

logger = logging.getLogger(__name__)


def read_document(event: LoggedEvent) -> dict[str, Any]:
    """The event as the wire has it; a check, if it is sent at all, as a pull."""
    document: dict[str, Any] = orjson.loads(event.raw)
    return as_pull(document) if event.action == "check" else document


class Sender:
    """Runs until it is told to stop. The ledger holds the position and the state of retries."""

    def __init__(
        self, *, feed: Feed, wanted: Filter, post: Post, ledger: Ledger, side: SideQueue, reports: Reports
    ) -> None:
        self._feed = feed
        self._wanted = wanted
        self._post = post
        self._ledger = ledger
        self._side = side
        self._reports = reports

    def run(self) -> None:
        """Raises LeaseLost and database errors; what was not saved is then sent again by whoever comes next."""
        self._ledger.save()  # a database that takes nothing must not let the same events go out again and again
        while not self._is_over():
            self._side.work_off()
            events = self._feed.read(READ_AHEAD, after=self._ledger.position)
            if not events:
                self._idle()
            for event in events:
                if not self._pass_on(event):
                    break
                self._ledger.save_if_due()
        self._ledger.settle()

    def _idle(self) -> None:
        """Wait at the end of the log; after ignored events for a moment only, until their position is worth saving."""
        self._ledger.save_if_due()
        if self._ledger.has_attempts:
            self._ledger.settle()
        if self._ledger.is_settled:
            self._feed.wait(IDLE_SECONDS)
        else:
            time.sleep(_GLANCE_SECONDS)

    def _pass_on(self, event: LoggedEvent) -> bool:
        """Deal with one event for good; False when it was left for the next run."""
        if not self._wanted.takes(event):
            self._ledger.skip(event.seq)
            return True
        documents = [read_document(event)]
        while self._await_turn():
            outcome = self._post(documents)
            if outcome.is_success:
                self._ledger.succeed([event], outcome)
                self._reports.accepted(event)
                return True
            given_up = self._ledger.fail([event], outcome)
            self._reports.refused(event, outcome, self._ledger.retry, given_up)
            if given_up:
                return True
            self._ledger.save_if_due()
        return False

    def _await_turn(self) -> bool:
        """Wait until the next attempt is due; False when there is to be none."""
        retry = self._ledger.retry
        while (seconds := retry.wait_seconds(time.monotonic())) > 0 and not self._is_over():
            self._ledger.settle()
            self._side.work_off()
            time.sleep(min(seconds, _NAP_SECONDS))
        return not self._is_over()

    def _is_over(self) -> bool:
        return self._feed.stopping or self._ledger.is_held
