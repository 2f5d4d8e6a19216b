"""The side queue of an endpoint: dead letters and parts of the log that somebody wants sent once more.

Worked off by the sender of the endpoint between two events of its queue, so that two relays never send the same
thing, and in short rounds, so that the queue is not held up. It has no say in the queue's order and retries. A letter
is tried once, and waits for a decision again when that fails. A part of the log is tried again a few times, ever more
slowly, and then stops where it is.
"""

import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from notifications.delivery.faces import Document, read_document
from notifications.delivery.filtering.filters import Filter
from notifications.delivery.models import MAX_ERROR_LENGTH, Attempt, DeadLetter, Endpoint, Resend
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.attempts import Attempts, prune_old_attempts
from notifications.delivery.sending.letters import prune_letters
from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.ranges import Page, next_page, settle_letters
from notifications.log.consume import LoggedEvent
from registryhub.config.notifications import LogName
from registryhub.database.transactions import relaxed_transaction, release_connection

LOOK_SECONDS = 1.0
LETTERS = 20
"""Sent at most before the queue has its turn again; and requests before what came of them is written down."""
ROUND_SECONDS = 0.25
"""How long parts of the log are sent before the queue has its turn again."""
MOST_FAILURES = 5
"""In a row, after which a part of the log stops."""
PRUNE_SECONDS = 3600.0

Post = Callable[[list[Document]], Outcome]
"""Sends the documents of events in one request."""


class SideQueue:
    """Looks for what else is to be sent to one endpoint, of the log only what is `wanted`, `size` events a request.

    It forgets old letters and attempts of all endpoints too.
    """

    def __init__(
        self, endpoint: Endpoint, post: Post, pace: Pace, *, wanted: Filter, size: int = 1, log: LogName = "sampled"
    ) -> None:
        self._endpoint = endpoint
        self._post = post
        self._pace = pace
        self._wanted = wanted
        self._size = size
        self._attempts = Attempts(endpoint, log=log, occasion=Attempt.Occasion.RESEND)
        self._look_at = self._prune_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether there is more to do at once."""
        return self._look_at == 0.0

    def work_off(self) -> None:
        """Send what is asked for, if it is time to look. A failure ends the round: it may have cost a timeout."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._prune_if_due(now)
        letters = list(
            DeadLetter.objects.filter(send_to=self._endpoint, state=DeadLetter.State.QUEUED).order_by("id")[:LETTERS]
        )
        release_connection()
        self._look_at = 0.0 if letters else now + LOOK_SECONDS
        if all(self._may_send() and self._send(letter) for letter in letters):
            self._work_off_ranges(now + ROUND_SECONDS)

    def _work_off_ranges(self, until: float) -> None:
        """The oldest first; looked for anew after each page, since somebody may have cancelled it."""
        mine = Resend.objects.filter(send_to=self._endpoint, state=Resend.State.QUEUED).order_by("id")
        while self._may_send() and (resend := mine.first()) is not None:
            page = next_page(resend, self._wanted, max(LETTERS, self._size))
            release_connection()
            if not self._send_page(resend, page):
                return
            self._look_at = 0.0
            if time.monotonic() >= until:
                break
        release_connection()

    def _may_send(self) -> bool:
        """Whether the limit of the endpoint lets another request go out now; if not, it is looked again when it may."""
        now = time.monotonic()
        seconds = self._pace.wait_seconds(now)
        if seconds > 0:
            self._look_at = now + seconds
        return seconds <= 0

    def _send(self, letter: DeadLetter) -> bool:
        self._pace.took(time.monotonic())
        outcome = self._post([read_document(letter.action, letter.document)])
        if outcome.is_success:
            self._attempts.succeed([letter], outcome)
        else:
            self._attempts.fail([letter], outcome)
            self._look_at = time.monotonic() + LOOK_SECONDS
        with relaxed_transaction():
            _settle(letter, outcome)
            self._attempts.save()
        self._attempts.prune_if_due()
        release_connection()
        return outcome.is_success

    def _send_page(self, resend: Resend, page: Page) -> bool:
        """Whether all of it is dealt with, and written down."""
        sent: list[int] = []
        for start in range(0, len(page.events), self._size):
            events = page.events[start : start + self._size]
            if not self._may_send():
                self._write_down(resend, page, sent, position=events[0].seq - 1)
                return False
            self._pace.took(time.monotonic())
            outcome = self._post([read_document(event.action, event.raw) for event in events])
            if not outcome.is_success:
                self._stumble(resend, page, sent, events, outcome)
                return False
            self._attempts.succeed(events, outcome)
            sent += [event.seq for event in events]
        self._write_down(resend, page, sent, position=page.end)
        return True

    def _stumble(
        self, resend: Resend, page: Page, sent: list[int], events: list[LoggedEvent], outcome: Outcome
    ) -> None:
        error = self._attempts.fail(events, outcome)
        failures = 1 if sent else resend.failures + 1
        self._look_at = time.monotonic() + LOOK_SECONDS * 2 ** (failures - 1)
        self._write_down(resend, page, sent, position=events[0].seq - 1, failures=failures, error=error)

    def _write_down(
        self, resend: Resend, page: Page, sent: Sequence[int], *, position: int, failures: int = 0, error: str = ""
    ) -> None:
        """What came of it, unless another sender has gone on with it meanwhile. A cancelled one stays cancelled."""
        with relaxed_transaction():
            mine = Resend.objects.filter(pk=resend.pk, position=resend.position)
            counted = mine.update(
                position=position,
                sent=F("sent") + len(sent),
                skipped=F("skipped") + page.skipped_to(position),
                lost=F("lost") + page.lost_to(position),
                failures=failures,
                error=error,
            )
            if counted:
                settle_letters(resend, sent)
                _end_if_over(resend, position, failures)
            self._attempts.save()
        self._attempts.prune_if_due()
        release_connection()

    def _prune_if_due(self, now: float) -> None:
        if now >= self._prune_at:
            prune_letters(settings.HUB.notifications.deadletters.keep_seconds)
            prune_old_attempts(settings.HUB.notifications.attempts.keep_seconds)
            self._prune_at = now + PRUNE_SECONDS


def _end_if_over(resend: Resend, position: int, failures: int) -> None:
    state = Resend.State.DONE if position >= resend.last_seq else Resend.State.STOPPED
    if state == Resend.State.DONE or failures >= MOST_FAILURES:
        open_one = Resend.objects.filter(pk=resend.pk, state=Resend.State.QUEUED)
        open_one.update(state=state, settled_at=timezone.now())


def _settle(letter: DeadLetter, outcome: Outcome) -> None:
    """Write down what came of it, unless somebody has discarded the letter meanwhile."""
    if outcome.is_success:
        values = {"state": DeadLetter.State.RESENT, "settled_at": timezone.now()}
    else:
        values = {
            "state": DeadLetter.State.WAITING,
            "send_to": None,
            "status": outcome.status,
            "error": outcome.error[:MAX_ERROR_LENGTH],
        }
    DeadLetter.objects.filter(pk=letter.pk, state=DeadLetter.State.QUEUED).update(**values, attempts=F("attempts") + 1)
