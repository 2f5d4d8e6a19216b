"""The side queue of an endpoint: dead letters that somebody wants sent once more.

Worked off by the sender of the endpoint between two events of its queue, so that two relays never send the same
letter. It has no say in the queue's order and retries: each letter is tried once, and waits for a decision again when
that fails.
"""

import time
from collections.abc import Callable

import orjson
from django.db.models import F
from django.utils import timezone

from notifications.delivery.faces import Document
from notifications.delivery.letters import prune_letters
from notifications.delivery.models import MAX_ERROR_LENGTH, DeadLetter, Endpoint
from notifications.delivery.pace import Pace
from notifications.delivery.sinks import Outcome
from notifications.events import as_pull
from registryhub.database.transactions import relaxed_transaction, release_connection

LOOK_SECONDS = 1.0
LETTERS = 20
"""Sent at most before the queue has its turn again."""
PRUNE_SECONDS = 3600.0

Post = Callable[[list[Document]], Outcome]
"""Sends the documents of events in one request."""


class SideQueue:
    """Looks for letters to send to one endpoint; `keep_seconds` is how long letters are kept, of all endpoints."""

    def __init__(self, endpoint: Endpoint, post: Post, pace: Pace, *, keep_seconds: float) -> None:
        self._endpoint = endpoint
        self._post = post
        self._pace = pace
        self._keep_seconds = keep_seconds
        self._look_at = self._prune_at = 0.0

    def work_off(self) -> None:
        """Send what is asked for, if it is time to look. A failure ends the round: it may have cost a timeout."""
        now = time.monotonic()
        if now < self._look_at:
            return
        letters = list(
            DeadLetter.objects.filter(send_to=self._endpoint, state=DeadLetter.State.QUEUED).order_by("id")[:LETTERS]
        )
        if now >= self._prune_at:
            prune_letters(self._keep_seconds)
            self._prune_at = now + PRUNE_SECONDS
        release_connection()
        is_well = all(self._may_send() and self._send(letter) for letter in letters)
        is_done = not letters or not is_well
        self._look_at = time.monotonic() + LOOK_SECONDS if is_done else 0.0

    def _may_send(self) -> bool:
        """Whether the limit of the endpoint lets another request go out now."""
        return self._pace.wait_seconds(time.monotonic()) <= 0

    def _send(self, letter: DeadLetter) -> bool:
        self._pace.took(time.monotonic())
        document = orjson.loads(letter.document)
        outcome = self._post([as_pull(document) if letter.action == "check" else document])
        _settle(letter, outcome)
        release_connection()
        return outcome.is_success


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
    with relaxed_transaction():
        DeadLetter.objects.filter(pk=letter.pk, state=DeadLetter.State.QUEUED).update(
            **values, attempts=F("attempts") + 1
        )
