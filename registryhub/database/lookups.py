"""Prepared read-only queries for the hot path, outside the ORM.

A tag look-up costs 8 µs on SQLite and 50–65 µs on PostgreSQL this way; through the ORM it costs several times that.
"""

import sqlite3
from typing import Any, cast

from django.db.utils import OperationalError

from registryhub.database.pool import PoolExhausted
from registryhub.database.postgresql.base import DatabaseWrapper as PostgresWrapper
from registryhub.database.postgresql.base import PooledConnection
from registryhub.database.sqlite.base import DatabaseWrapper as SqliteWrapper
from registryhub.database.threads import own_wrapper

Row = tuple[Any, ...]


class Lookup:
    """One query with `%s` parameters, prepared once a connection.

    Inside a transaction of the calling thread it runs on that transaction's connection and sees its writes.
    """

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.sql = sql
        count = sql.count("%s")
        self._sqlite_sql = sql.replace("%s", "?")
        self._prepare_sql = f"PREPARE {name} AS {sql % tuple(f'${number}' for number in range(1, count + 1))}"
        self._execute_sql = f"EXECUTE {name}" + (f" ({', '.join(['%s'] * count)})" if count else "")

    def one(self, *parameters: object) -> Row | None:
        """The first row or None. Raises django.db.OperationalError when the database does not answer."""
        rows = self.all(*parameters)
        return rows[0] if rows else None

    def all(self, *parameters: object) -> list[Row]:
        """All rows. Raises django.db.OperationalError when the database does not answer."""
        wrapper = own_wrapper()
        if isinstance(wrapper, PostgresWrapper):
            return self._all_postgres(wrapper, parameters)
        return self._all_sqlite(cast(SqliteWrapper, wrapper), parameters)

    def _all_sqlite(self, wrapper: SqliteWrapper, parameters: tuple[object, ...]) -> list[Row]:
        if wrapper.in_atomic_block:
            with wrapper.cursor() as cursor:
                cursor.execute(self.sql, cast(tuple[Any, ...], parameters))
                return list(cursor.fetchall())
        pool = wrapper.reader_pool()
        try:
            reader = pool.take()  # by hand: a context manager would cost as much as the query
            try:
                return reader.execute(self._sqlite_sql, parameters).fetchall()
            finally:
                pool.give(reader)
        except (PoolExhausted, sqlite3.Error) as error:
            raise OperationalError(str(error)) from error

    def _all_postgres(self, wrapper: PostgresWrapper, parameters: tuple[object, ...]) -> list[Row]:
        with wrapper.wrap_database_errors:
            if wrapper.connection is not None:
                return self._execute(cast(PooledConnection, wrapper.connection), parameters)
            pool = wrapper.hub_pool()
            try:
                reader = pool.take(trusting=True)
                try:
                    return self._execute(reader, parameters)
                finally:
                    pool.give(reader, trusting=True)
            except PoolExhausted as error:
                raise OperationalError(str(error)) from error

    def _execute(self, reader: PooledConnection, parameters: tuple[object, ...]) -> list[Row]:
        with reader.cursor() as cursor:
            if self.name not in reader.prepared:
                cursor.execute(self._prepare_sql)
                reader.prepared.add(self.name)
            cursor.execute(self._execute_sql, parameters)
            return cursor.fetchall()
