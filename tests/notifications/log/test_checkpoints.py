import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from notifications.log import checkpoints
from notifications.log.checkpoints import Checkpoints
from notifications.log.models import Intake
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.transactions import relaxed_transaction
from tests.servers.server import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_database("sqlite")]

ROW_BYTES = 100_000


class Takes:
    """Writes down in which threads checkpoints were made, and makes them."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self._take = checkpoints._take

    def __call__(self) -> checkpoints._Taken | None:
        taken = self._take()
        self.threads.append(threading.current_thread().name)
        return taken


class Away:
    """A connection to a database that does not answer for some times."""

    vendor = "sqlite"

    def __init__(self, times: int) -> None:
        self.times = times
        self.closed = 0

    def cursor(self) -> AbstractContextManager[Any]:
        if self.times:
            self.times -= 1
            raise OperationalError("disk I/O error")
        return connection.cursor()

    def close(self) -> None:
        self.closed += 1
        connection.close()


@pytest.fixture
def takes(monkeypatch: pytest.MonkeyPatch) -> Takes:
    found = Takes()
    monkeypatch.setattr(checkpoints, "_take", found)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.05)
    return found


@pytest.fixture
def made() -> Iterator[Checkpoints]:
    found = Checkpoints()
    yield found
    found.stop()
    assert not any(thread.name == "checkpoints" for thread in threading.enumerate())


def write() -> None:
    with relaxed_transaction():
        Intake.objects.create(source_id=HUB_SOURCE_ID, kind="event", raw=bytes(ROW_BYTES))


def log_bytes() -> int:
    return Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size


def empty_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_what_was_written_is_taken_a_little_later_and_once(made: Checkpoints, takes: Takes) -> None:
    """In a thread of its own, however often that was asked for meanwhile; nothing is done when nothing was written."""
    for _ in range(3):
        write()
        made.ask()
    assert takes.threads == []
    assert wait_until(lambda: takes.threads == ["checkpoints"], 10)
    assert not wait_until(lambda: len(takes.threads) > 1, 0.3)
    made.ask()
    assert wait_until(lambda: takes.threads == ["checkpoints"] * 2, 10)


def test_it_ends_at_once_when_the_relay_does(made: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the next checkpoint is not due for long."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 3600.0)
    monkeypatch.setattr(checkpoints, "_STOP_SECONDS", 20.0)
    made.ask()
    made.stop()


def test_a_database_that_is_away_is_asked_again(
    made: Checkpoints, takes: Takes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, with a fresh connection each time; the relay hears nothing of it."""
    monkeypatch.setattr("notifications.log.runners.MIN_PAUSE_SECONDS", 0.05)
    away = Away(2)
    monkeypatch.setattr(checkpoints, "connection", away)
    made.ask()
    assert wait_until(lambda: len(takes.threads) == 3, 20)
    assert (away.times, away.closed) == (0, 2)
    assert caplog.text.count("disk I/O error") == 2


def test_the_rest_is_taken_later_when_somebody_still_reads_what_was_before(
    made: Checkpoints, takes: Takes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay tries each time it has written, until nothing is left, or too much."""
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 0)
    me = threading.current_thread().name
    write()
    reader = sqlite3.connect(connection.settings_dict["NAME"])
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log_intake").fetchall()
        write()
        made.ask()
        assert wait_until(lambda: "checkpoints" in takes.threads, 10)
        monkeypatch.setattr(checkpoints, "LONG_PAGES", 1_000_000)
        for number in (1, 2):
            made.ask()
            assert takes.threads.count(me) == number
    finally:
        reader.close()
    for _ in range(2):
        made.ask()
        assert takes.threads.count(me) == 3


def test_the_write_ahead_log_starts_over_though_somebody_always_writes(
    made: Checkpoints, takes: Takes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint beside the writer never takes all of it: the rest is taken between two transactions."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.01)
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 200)
    empty_log()
    for _ in range(1000):
        write()
        made.ask()
    assert threading.current_thread().name in takes.threads
    assert log_bytes() < 1000 * ROW_BYTES / 2
