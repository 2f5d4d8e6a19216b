"""Runs of retention: a row says how far a run has come, and its lease who carries it out.

One run is carried out at a time, the oldest. Tags go in small transactions, each of which holds the lease, judges its
tags again and moves the row: a worker that dies leaves nothing half done, and the next goes on in the same repository.
"""

import logging
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import getpid
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from notifications.events import new_id
from registryhub.database import leases
from registryhub.database.leases import LeaseLost, Place
from registryhub.registry.keeping.counting import why_not_counted
from registryhub.registry.keeping.deleting import RulesChanged, TagsGone, delete_tags
from registryhub.registry.keeping.models import RetentionRun
from registryhub.registry.keeping.verdicts import Rule, Verdict, load_rules
from registryhub.registry.keeping.walk import Judged, Stand, Walk

State = RetentionRun.State
TASK = "registryhub.registry.keeping.tasks.apply_retention"

LEASE_SECONDS = 60.0
TAGS_AT_ONCE = 500
DELETED_AT_ONCE = 50
KEPT_RUNS = 200
"""Rows of runs that have ended; older ones go."""

_logger = logging.getLogger(__name__)


class Stopping(Exception):
    """This worker is told to stop: another goes on."""


def request_run(requested_by: str) -> RetentionRun:
    """A run that somebody asks for; whoever works off runs carries it out."""
    return RetentionRun.objects.create(slot=f"by {requested_by}, {new_id()}", requested_by=requested_by)


def schedule_run(interval_seconds: float) -> None:
    """The run of the present interval, once, however many ask. A rule is applied at the next full interval.

    So whoever writes a rule has time to look at what it would do.
    """
    number = int(timezone.now().timestamp() // interval_seconds)
    slot = datetime.fromtimestamp(number * interval_seconds, UTC).isoformat()
    if not RetentionRun.objects.filter(slot=slot).exists():
        RetentionRun.objects.bulk_create([RetentionRun(slot=slot)], ignore_conflicts=True)


def work_off(is_stopping: Callable[[], bool]) -> None:
    """Carry out the runs that wait, the oldest first; nothing when another worker is at it."""
    try:
        while (run := RetentionRun.objects.filter(finished_at=None).order_by("pk").first()) and carry_out(
            run, is_stopping
        ):
            pass
    except Stopping:
        _logger.info("this worker stops; another goes on with the run of retention")
    except LeaseLost as lost:
        _logger.warning("retention: %s", lost)


def carry_out(
    run: RetentionRun, is_stopping: Callable[[], bool], tell: Callable[[Verdict], None] | None = None
) -> bool:
    """From where the run stands to its end; False when another worker holds it, or it has to wait.

    `tell` hears of each tag that is deleted. Raises Stopping and LeaseLost.
    """
    holder = f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}"
    row = leases.take(_place(run), holder, LEASE_SECONDS)
    if row is None:
        return False
    held = _Held(run, row[0], is_stopping, tell or _tell_nobody)
    try:
        return held.go()
    finally:
        leases.release(_place(run), held.epoch)


@dataclass(slots=True)
class _Held:
    """A run that this worker carries out."""

    run: RetentionRun
    epoch: int
    is_stopping: Callable[[], bool]
    tell: Callable[[Verdict], None]
    rules: Sequence[Rule] = field(default=())

    def go(self) -> bool:
        self.run.refresh_from_db()
        if self.run.finished_at is not None:
            return True
        self.rules = load_rules()
        if reason := _why_wait(self.rules):
            self.save(waits_for=reason)
            return False
        self.save(state=State.RUNNING, waits_for="", started_at=self.run.started_at or timezone.now())
        try:
            self.walk()
        except (Stopping, LeaseLost, DatabaseError):
            raise  # the row stands where it can go on
        except Exception as error:
            _logger.exception("retention fails in %s", self.run.repository)
            self.end(State.FAILED, f"{self.run.repository}: {error}")
            return True
        self.end(State.DONE, "")
        return True

    def walk(self) -> None:
        """Repository by repository; one is begun anew when the rules, or what they keep in it, change meanwhile."""
        while True:
            walk = Walk(self.rules, timezone.now(), Stand(self.run.repository))
            try:
                while judged := walk.take(TAGS_AT_ONCE):
                    self.take_in(walk, judged)
            except (RulesChanged, TagsGone) as change:
                _logger.info("retention begins %s again: %s", self.run.repository, change)
                self.rules = load_rules()
            else:
                return

    def take_in(self, walk: Walk, judged: list[Judged]) -> None:
        """Delete those of the tags that go, and say how far the run has come."""
        self.check()
        repository = judged[0].stand.repository
        if repository != self.run.repository:
            self.save(repository=repository)
        going = [each for each in judged if not each.verdict.is_kept]
        for start in range(0, len(going), DELETED_AT_ONCE):
            with self.writing():
                deleted = delete_tags(walk, going[start : start + DELETED_AT_ONCE])
                self.add(deleted=len(deleted))
            for verdict in deleted:
                self.tell(verdict)
        with self.writing():
            self.add(looked_at=len(judged))

    def check(self) -> None:
        if self.is_stopping():
            raise Stopping

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that only the holder of the run can commit. Raises LeaseLost."""
        with transaction.atomic():
            leases.hold(_place(self.run), self.epoch, LEASE_SECONDS)
            yield

    def save(self, **columns: Any) -> None:
        with self.writing():
            RetentionRun.objects.filter(pk=self.run.pk).update(**columns)
        for name, value in columns.items():
            setattr(self.run, name, value)

    def add(self, **counts: int) -> None:
        RetentionRun.objects.filter(pk=self.run.pk).update(**{name: F(name) + by for name, by in counts.items()})

    def end(self, state: RetentionRun.State, reason: str) -> None:
        self.save(state=state, waits_for=reason, finished_at=timezone.now())
        ended = RetentionRun.objects.exclude(finished_at=None).order_by("-pk").values_list("pk", flat=True)
        RetentionRun.objects.filter(pk__in=list(ended[KEPT_RUNS:])).delete()


def _why_wait(rules: Sequence[Rule]) -> str:
    return why_not_counted() if any(rule.used_within_seconds is not None for rule in rules) else ""


def _place(run: RetentionRun) -> Place:
    return Place("keeping_retentionrun", "id", run.pk)


def _tell_nobody(verdict: Verdict) -> None:
    """For those who are not interested."""
