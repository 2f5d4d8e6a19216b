"""A collection that this process carries out: its lease, its small steps, its counts.

Each step is a transaction that only the holder of the lease can commit, and that moves the cursor: whoever takes over
goes on behind the last step.
"""

import time
from collections.abc import Callable, Set
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from registryhub.database import leases
from registryhub.registry.collect.claims import LEASE_SECONDS, place_of
from registryhub.registry.collect.listen import Listener
from registryhub.registry.models import Collection
from registryhub.registry.retries import run_transaction
from registryhub.storage.base import StorageDriver

_RENEW_SECONDS = 5.0


class Stopping(Exception):
    """This process is told to stop: another goes on from the cursor."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a step has done, or would have done in a dry run."""

    manifests: int = 0
    links: int = 0
    blobs: int = 0
    freed_bytes: int = 0
    waiting: int = 0
    skipped: int = 0


class Run:
    """A collection whose lease this process holds.

    In a dry run `would_remove` are the manifests that would have gone so far, and `gone` those of them whose blobs
    would not have to wait any more.
    """

    def __init__(
        self,
        collection: Collection,
        driver: StorageDriver,
        listener: Listener,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.collection = collection
        self.driver = driver
        self.listener = listener
        self.would_remove: set[int] = set()
        self._is_stopping = is_stopping
        self._renewed_at = time.monotonic()

    @property
    def is_dry(self) -> bool:
        return self.collection.is_dry_run

    @property
    def gone(self) -> Set[int]:
        return frozenset() if self.collection.grace_seconds else self.would_remove

    def cutoff(self) -> datetime:
        """What was used after that stays."""
        return timezone.now() - timedelta(seconds=self.collection.grace_seconds)

    def untagged_cutoff(self) -> datetime | None:
        """Manifests that lost their tag before that go; None: they all stay."""
        seconds = self.collection.untagged_seconds
        return None if seconds is None else timezone.now() - timedelta(seconds=seconds)

    def step(self, work: Callable[[], Counts]) -> Counts:
        """Do `work` in a transaction that counts what it did; again after a deadlock. Raises LeaseLost, Stopping."""
        return self._write(work, {})

    def count(self, **counts: int) -> None:
        """A step that does nothing else. Raises LeaseLost, Stopping."""
        if any(counts.values()):
            self._write(lambda: Counts(**counts), {})

    def advance(self, cursor: int) -> None:
        """Everything up to the id is dealt with. Raises LeaseLost, Stopping."""
        self._write(Counts, {"cursor": cursor})

    def enter(self, phase: str) -> None:
        """Begin a phase. Raises LeaseLost, Stopping."""
        self._write(Counts, {"phase": phase, "cursor": 0})
        self.collection.phase, self.collection.cursor = phase, 0

    def keep(self) -> None:
        """To be called now and then where no step is made. Raises LeaseLost, Stopping."""
        self._check()
        if time.monotonic() - self._renewed_at > _RENEW_SECONDS:
            self._write(Counts, {})

    def end(self, state: Collection.State, error: str = "") -> None:
        """Write down how it ended, and give the place back. Raises LeaseLost."""
        with transaction.atomic():
            self._hold()
            self._row().update(state=state, error=error, finished_at=timezone.now(), holder="", expires_at=None)

    def release(self) -> None:
        """Give the place back, so that another goes on at once."""
        leases.release(place_of(self.collection.pk), self.collection.epoch)

    def _write(self, work: Callable[[], Counts], columns: dict[str, object]) -> Counts:
        self._check()

        def write() -> Counts:
            self._hold()
            counts = work()
            added = {name: F(name) + count for name, count in asdict(counts).items() if count}
            if added or columns:
                self._row().update(**added, **columns)
            return counts

        counts = run_transaction(write)
        self._renewed_at = time.monotonic()
        return counts

    def _check(self) -> None:
        if self._is_stopping():
            raise Stopping

    def _hold(self) -> None:
        leases.hold(place_of(self.collection.pk), self.collection.epoch, LEASE_SECONDS)

    def _row(self) -> QuerySet[Collection]:
        return Collection.objects.filter(pk=self.collection.pk)
