"""The database at start: waited for, migrated or found migrated."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

logger = logging.getLogger(__name__)

_MIGRATION_LOCK = 0x52454748  # "REGH", the key of the advisory lock
_SILENCE_SECONDS = 5.0


class NoDatabase(Exception):
    """The database did not answer for long, or is not fit to be used; the message names the mend."""


class PendingMigrations(NoDatabase):
    """The tables are older than the code."""


def wait_for_database(*, patience_seconds: float, output: TextIO) -> None:
    """Return once the database answers; say now and then that it does not. Raises NoDatabase after the patience."""
    deadline = time.monotonic() + patience_seconds
    next_word_at = time.monotonic()
    while True:
        try:
            connection.ensure_connection()
        except (DatabaseError, InterfaceError) as error:
            reason = " ".join(str(error).split())
        else:
            return
        finally:
            connection.close()
        now = time.monotonic()
        if now >= deadline:
            raise NoDatabase(
                f"the database does not answer: {reason}. Start it, or correct hub.database.url (DATABASE_URL)."
            )
        if now >= next_word_at:
            output.write(f"Waiting for the database: {reason}\n")
            output.flush()
            next_word_at = now + _SILENCE_SECONDS
        time.sleep(0.5)


def pending_migrations() -> list[str]:
    """Names of the migrations that the code has and the database has not. Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]


def bring_up_to_date(*, data: Path, may_migrate: bool) -> None:
    """Apply what is pending, one process at a time. Raises PendingMigrations where that takes `--migrate`."""
    with one_at_a_time(data):
        pending = pending_migrations()
        if not pending:
            return
        if not may_migrate and connection.vendor != "sqlite":
            raise PendingMigrations(
                f"{len(pending)} migrations are pending, the first is {pending[0]}. "
                "Make a backup if there is something to lose, then start with --migrate."
            )
        call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def one_at_a_time(data: Path) -> Iterator[None]:
    """Among all nodes on PostgreSQL, by an advisory lock; among the processes of this data folder on SQLite."""
    if connection.vendor == "postgresql":
        holder = connection.copy()
        try:
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
                try:
                    yield
                finally:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
        finally:
            holder.close()
        return
    with (data / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
