"""Django's SQLite backend with a fair queue for writers.

SQLite's own busy loop sleeps and polls, so a writer of small transactions starves beside one of long ones
(seconds were measured). Here a write transaction first takes a ticket: a blocking lock on a file beside the
database, which the kernel hands out in order of arrival, across threads and processes.
"""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.db.backends.sqlite3 import base

from registryhub.database.pool import Pool
from registryhub.database.threads import close_with_thread

_READERS = 32
_BUSY_SECONDS = 30.0
_reader_pools: dict[tuple[int, str], Pool[sqlite3.Connection]] = {}


class Ticket:
    """The lock of one connection; held from before BEGIN IMMEDIATE until after COMMIT or ROLLBACK."""

    def __init__(self, database: str) -> None:
        self._path = f"{database}.ticket"
        self._descriptor: int | None = None
        self._is_held = False

    def take(self) -> None:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._is_held = True

    def release(self) -> None:
        if self._is_held and self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._is_held = False

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self._is_held = False


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite in WAL with IMMEDIATE transactions, each behind a ticket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ticket: Ticket | None = None
        close_with_thread(self)

    def execute_relaxed(self, sql: str, parameters: Sequence[str | int | None]) -> int:
        """One statement with `%s` parameters in a transaction of its own that does not wait for the disk.

        How many rows it has touched. Past Django's cursors and transactions: half the time.
        """
        self.ensure_connection()
        handle: sqlite3.Connection = self.connection
        with self.wrap_database_errors:
            self._take_ticket()
            try:
                handle.execute("PRAGMA synchronous = NORMAL")
                try:
                    return handle.execute(sql.replace("%s", "?"), parameters).rowcount
                finally:
                    handle.execute("PRAGMA synchronous = FULL")
            finally:
                self._release_ticket()

    def _start_transaction_under_autocommit(self) -> None:
        self._take_ticket()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._release_ticket()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._release_ticket()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._release_ticket()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self._ticket is not None:
                self._ticket.close()
                self._ticket = None

    def reader_pool(self) -> Pool[sqlite3.Connection]:
        """This process's pool of read-only connections; a forked child makes its own."""
        place = (os.getpid(), str(self.settings_dict["NAME"]))
        pool = _reader_pools.get(place)
        if pool is None:
            pool = _reader_pools.setdefault(place, _new_reader_pool(place[1]))
        return pool

    def _take_ticket(self) -> None:
        if self._ticket is None and not self.is_in_memory_db():
            self._ticket = Ticket(str(self.settings_dict["NAME"]))
        if self._ticket is not None:
            self._ticket.take()

    def _release_ticket(self) -> None:
        if self._ticket is not None:
            self._ticket.release()


def _new_reader_pool(database: str) -> Pool[sqlite3.Connection]:
    return Pool(
        connect=lambda: _open_reader(database),
        close=lambda connection: connection.close(),
        is_usable=lambda connection: not connection.in_transaction,
        size=_READERS,
        wait_seconds=_BUSY_SECONDS,
    )


def _open_reader(database: str) -> sqlite3.Connection:
    is_uri = database.startswith("file:")
    reader = sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=is_uri)
    reader.execute("PRAGMA query_only = ON")
    return reader
