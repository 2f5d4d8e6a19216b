"""Transactions that say whether they must survive a loss of power."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from registryhub.database.sqlite.base import DatabaseWrapper as SqliteWrapper
from registryhub.database.threads import own_wrapper


@contextmanager
def relaxed_transaction() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk.

    A crash of the process loses nothing; a loss of power may undo the last moments. For state that its owner
    can rebuild (the offset of an upload: the client asks and goes on). Never for a push or an event.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        handle = connection.connection  # past Django's cursors, which cost 35 µs each time
        handle.execute("PRAGMA synchronous = NORMAL")
        try:
            with transaction.atomic():
                yield
        finally:
            if connection.connection is handle:
                handle.execute("PRAGMA synchronous = FULL")
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
        yield


def execute_relaxed(sql: str, parameters: Sequence[str | int | None]) -> int:
    """Run one statement in a relaxed transaction of its own; how many rows it has touched.

    On PostgreSQL that is one round trip instead of four: statements sent together are one transaction.
    """
    wrapper = own_wrapper()
    if isinstance(wrapper, SqliteWrapper) and not wrapper.in_atomic_block:
        return wrapper.execute_relaxed(sql, parameters)
    relaxed = "" if wrapper.in_atomic_block else "SET LOCAL synchronous_commit = off; "
    with wrapper.cursor() as cursor:
        cursor.execute(f"{relaxed}{sql}", parameters)
        return int(cursor.rowcount)


def release_connection() -> None:
    """Give this thread's connection back before bytes stream.

    On PostgreSQL it returns to the pool. On SQLite a connection is a file handle of the thread's own and stays.
    """
    wrapper = own_wrapper()
    if wrapper.connection is not None and wrapper.vendor == "postgresql" and not wrapper.in_atomic_block:
        wrapper.close()
