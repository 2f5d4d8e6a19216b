"""The relay: numbers what comes in and hands it to every consumer, each at its own position.

One thread does all bulk writing: it sequences, then runs the batch consumers. Stream consumers have a thread each, and
on SQLite checkpoints have one.
Several relays may run: the head of the log and each consumer is a lease, and whoever comes second stands by.
"""

import logging
import secrets
import socket
import time
from os import getpid

from django.db import connection

from notifications.log import leases, sequence
from notifications.log.checkpoints import Checkpoints
from notifications.log.consume import Head
from notifications.log.leases import DATABASE_GONE, LEASE_SECONDS, LeaseLost
from notifications.log.recent import Recent
from notifications.log.roster import Roster
from notifications.log.runners import BatchRunner
from notifications.log.sequence import Sequencer
from registryhub.database.lookups import Lookup

RENEW_SECONDS = LEASE_SECONDS / 3
ROSTER_SECONDS = 1.0
DRAIN_SECONDS = 8.0  # the supervisor waits for 10
_LOOK_SECONDS = 1.0  # how long a watch that sees no change is believed
# Numbering costs by the transaction, not by the event: some events are let come together, for so many times as long as
# it took the processor. Consumers of batches cost twice as much, and nobody waits for a counter to move.
_REST_SECONDS = 0.04
_SHORTEST_REST_SECONDS = 0.01
_REST_TIMES = 8
_GATHER_SECONDS = 0.2
_GATHER_EVENTS = 500
_MIN_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 5.0
# A turn numbers about as many events as consumers take at a time: what they cost is by the batch, not by the event.
_STEPS_A_TURN = 4
_BATCHES_A_TURN = 8

_HEAD = Lookup("log_head", "SELECT position FROM log_loghead WHERE id = 1")

_logger = logging.getLogger(__name__)


class Relay:
    """One relay process. `run` returns after `stop`, which any thread or signal handler may call.

    A plain flag and short sleeps, no event: a signal handler that sets an event which the same thread waits for can
    block for ever.
    """

    def __init__(self) -> None:
        self._holder = f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}"
        self._head = Head()
        self._roster = Roster(holder=self._holder, head=self._head)
        self._recent = Recent()
        self._sequencer: Sequencer | None = None
        self._watch = _Watch()
        self._checkpoints = Checkpoints()
        self._is_stopping = False
        self._renew_at = 0.0
        self._roster_at = 0.0
        self._hand_on_at = 0.0
        self._handed_on = 0

    def stop(self) -> None:
        self._is_stopping = True

    def run(self) -> None:
        """Work until stopped. Without a database it waits and tries again, longer each time."""
        pause_seconds = 0.0
        while not self._is_stopping:
            try:
                rest_seconds = self._turn()
            except LeaseLost as lost:
                _logger.warning("another relay numbers the events now: %s", lost)
                self._sequencer = None
            except DATABASE_GONE as error:
                pause_seconds = min(max(2 * pause_seconds, _MIN_PAUSE_SECONDS), _MAX_PAUSE_SECONDS)
                _logger.warning("the database does not answer, again in %.1f s: %s", pause_seconds, error)
                self._start_over(pause_seconds)
            except Exception:
                pause_seconds = min(max(2 * pause_seconds, _MIN_PAUSE_SECONDS), _MAX_PAUSE_SECONDS)
                _logger.exception("the relay failed; again in %.1f s", pause_seconds)
                self._start_over(pause_seconds)
            else:
                pause_seconds = 0.0
                time.sleep(rest_seconds)
        self._drain()

    def _turn(self) -> float:
        """Do a little of everything that is due; how long to rest then, not at all when there was more to do."""
        self._keep_places()
        begun = time.thread_time()
        steps = self._sequence() if self._watch.has_changed() else 0
        rest_seconds = max(_SHORTEST_REST_SECONDS, _REST_TIMES * (time.thread_time() - begun))
        batches = self._hand_on_to_all() if self._is_worth_handing_on() else 0
        if steps or batches:
            self._checkpoints.ask()
        if steps == _STEPS_A_TURN or batches == _BATCHES_A_TURN:
            return 0.0
        return min(rest_seconds, _REST_SECONDS) if steps else _REST_SECONDS

    def _keep_places(self) -> None:
        now = time.monotonic()
        if now >= self._renew_at:
            self._renew_at = now + RENEW_SECONDS
            epochs = leases.renew(self._holder)
            if self._sequencer and epochs.get(leases.HEAD.key) != self._sequencer.lease.epoch:
                self._sequencer = None
            self._roster.check(epochs)
        if now >= self._roster_at:
            self._roster_at = now + ROSTER_SECONDS
            self._sequencer = self._sequencer or sequence.lead(self._holder)
            self._roster.refresh()

    def _sequence(self) -> int:
        """Number what came in; how many batches of it, at most _STEPS_A_TURN."""
        if self._sequencer is None:
            row = _HEAD.one()
            self._head.reach(row[0] if row else 0)
            return 0
        steps = 0
        while steps < _STEPS_A_TURN and not self._is_stopping and (events := self._sequencer.step()) is not None:
            self._recent.add(events)
            steps += 1
            if self._sequencer.had_few:  # what came meanwhile comes together with more
                break
        self._head.reach(self._sequencer.head)
        if steps:
            self._watch.expect_more()
        return steps

    def _is_worth_handing_on(self) -> bool:
        return time.monotonic() >= self._hand_on_at or self._head.position - self._handed_on >= _GATHER_EVENTS

    def _hand_on_to_all(self) -> int:
        """Let every consumer deal with what is numbered; the most batches that one of them had."""
        self._handed_on = self._head.position
        batches = max((self._hand_on(runner) for runner in self._roster.batches), default=0)
        if batches:
            self._hand_on_at = 0.0 if batches == _BATCHES_A_TURN else time.monotonic() + _GATHER_SECONDS
            self._watch.expect_more()
        return batches

    def _hand_on(self, runner: BatchRunner) -> int:
        """Let a consumer deal with what is numbered; how many batches of it, at most _BATCHES_A_TURN."""
        batches = 0
        while batches < _BATCHES_A_TURN and not self._is_stopping and runner.position < self._head.position:
            if not runner.step(self._recent):
                break
            batches += 1
            self._checkpoints.ask()
        return batches

    def _start_over(self, seconds: float) -> None:
        """Forget everything that only the database knows for sure, and come back after a while."""
        self._sequencer = None
        self._recent = Recent()
        self._roster.lose()
        self._watch.expect_more()
        self._renew_at = self._roster_at = 0.0
        connection.close()
        deadline = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < deadline:
            time.sleep(_REST_SECONDS)

    def _drain(self) -> None:
        """Give every place back, so that another relay takes over at once.

        Every thread is told to end, whatever the database does.
        """
        connection.close()  # it may have been cut since the last turn; the next one is fresh
        try:
            try:
                if self._sequencer is not None:
                    leases.release(self._sequencer.lease)
            finally:
                self._roster.stop(DRAIN_SECONDS)
        except DATABASE_GONE as error:
            _logger.warning("the places in the log come free when their leases run out: %s", error)
        finally:
            self._checkpoints.stop()
            connection.close()


class _Watch:
    """Says when a look at the database may be worth it: on SQLite a pragma of 3 µs tells, on PostgreSQL always."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._look_at = 0.0

    def expect_more(self) -> None:
        self._look_at = 0.0

    def has_changed(self) -> bool:
        if connection.vendor != "sqlite":
            return True
        connection.ensure_connection()
        version = connection.connection.execute("PRAGMA data_version").fetchone()[0]
        now = time.monotonic()
        if version == self._version and now < self._look_at:
            return False
        self._version = version
        self._look_at = now + _LOOK_SECONDS
        return True
