"""Numbers as the counters would have made them, at once and without events."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from notifications.analytics import windows
from notifications.analytics.clients import Client
from notifications.analytics.reading import Amount, Transfer
from notifications.analytics.sums import Cell, Place, Sums
from notifications.analytics.tables import REPOSITORY_TOTALS, TAG_TOTALS, Table
from notifications.analytics.upsert import add_rows
from registryhub.access.models import Repository

DOCKER = Client("docker", "unknown", "")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Tally:
    """Collects numbers, then writes them to all tables."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self._sums = Sums()
        self._clocks: dict[tuple[Table, tuple[Any, ...]], tuple[datetime, datetime, datetime]] = {}

    def count(
        self,
        repository: Repository,
        at: datetime,
        tag: str = "",
        client: Client = DOCKER,
        actor: str = "",
        **times: int,
    ) -> None:
        """`times` are pull_tag, version_check, push and so on."""
        place = Place(repository.pk, repository.source_id, repository.is_public)
        hour = (at - _EPOCH) // timedelta(hours=1)
        for action, number in times.items():
            self._sums.add_cell(Cell(place, hour, action, tag, "", client, actor), number)
        for table, key in ((REPOSITORY_TOTALS, (repository.pk,)), (TAG_TOTALS, (repository.pk, tag))):
            if key[-1]:
                self._clocks[table, key] = (at, at, at)

    def fetch(self, repository: Repository, at: datetime, platform: str, times: int, size: int = 0) -> None:
        """Manifests of a platform that went out."""
        place = Place(repository.pk, repository.source_id, repository.is_public)
        hour = (at - _EPOCH) // timedelta(hours=1)
        transfer = Transfer((repository.source_id, repository.name), hour, "pull", DOCKER, platform)
        self._sums.add_transfer(place, transfer, Amount(times, size))

    def write(self) -> None:
        """To every table, windows and totals among them."""
        self._sums.spread(windows.read_frame() or windows.begin(self.now))
        for (table, key), _ in self._clocks.items():
            self._sums.of(table).setdefault(key, [0] * len(table.counts))
        for table, rows in self._sums:
            clocks = [None] * len(table.clocks)
            add_rows(table, [(*key, *row, *self._clocks.get((table, key), clocks)) for key, row in rows.items()])
