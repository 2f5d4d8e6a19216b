"""Django's PostgreSQL backend (psycopg2) with a bounded pool a process.

`close()` gives the connection back to the pool; the next use takes one. Django's own pool needs psycopg 3,
which measured slower here.
"""

import os
import select
import time
from typing import Any

import psycopg2.extensions
from django.db import OperationalError
from django.db.backends.postgresql import base

from registryhub.database.pool import Pool, PoolExhausted
from registryhub.database.threads import close_with_thread

# Left to itself PostgreSQL plans a prepared look-up anew each time: a tag cost 92 µs then, and 46 with one plan.
_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
_LOOK_SECONDS = 0.2
_IDLE = psycopg2.extensions.TRANSACTION_STATUS_IDLE
_pools: dict[tuple[Any, ...], Pool["PooledConnection"]] = {}


class PooledConnection(psycopg2.extensions.connection):
    """A connection that remembers which statements it has prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[str] = set()
        self.looked_at = 0.0


def is_usable(connection: PooledConnection) -> bool:
    """Open, outside a transaction, and with nothing to read: a server that went away leaves an end of file."""
    if connection.closed or connection.get_transaction_status() != _IDLE:
        return False
    connection.looked_at = time.monotonic()
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    return not readable


def is_trusted(connection: PooledConnection) -> bool:
    """The same, but whether there is something to read is asked a few times a second only.

    To ask gives up the interpreter, which costs a look-up as much again under load.
    """
    if time.monotonic() - connection.looked_at >= _LOOK_SECONDS:
        return is_usable(connection)
    return not connection.closed and connection.get_transaction_status() == _IDLE


class DatabaseWrapper(base.DatabaseWrapper):
    """OPTIONS may hold `pool_size` (connections a process, 8) and `pool_wait_seconds` (5)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pool: Pool[PooledConnection] | None = None
        self._pool_place: tuple[int, str] | None = None
        close_with_thread(self)

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        self._pool_size = int(parameters.pop("pool_size", 8))
        self._pool_wait_seconds = float(parameters.pop("pool_wait_seconds", 5.0))
        parameters["connection_factory"] = PooledConnection
        return parameters

    def hub_pool(self) -> Pool[PooledConnection]:
        """This process's pool for this database; a forked child makes its own."""
        place = (os.getpid(), self.settings_dict["NAME"])
        if self._pool is None or self._pool_place != place:
            self._pool = self._find_pool(place)
            self._pool_place = place
        return self._pool

    def _find_pool(self, place: tuple[int, str]) -> Pool[PooledConnection]:
        parameters = self.get_connection_params()
        key = (*place, *sorted((name, str(value)) for name, value in parameters.items()))
        return _pools.setdefault(
            key,
            Pool(
                connect=lambda: self._open(parameters),
                close=lambda connection: connection.close(),
                is_usable=is_usable,
                is_trusted=is_trusted,
                size=self._pool_size,
                wait_seconds=self._pool_wait_seconds,
            ),
        )

    def _open(self, parameters: dict[str, Any]) -> PooledConnection:
        connection: PooledConnection = super().get_new_connection(parameters)
        connection.autocommit = True
        self._configure_timezone(connection)  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(_PLAN_ONCE)
        return connection

    def get_new_connection(self, conn_params: dict[str, Any]) -> PooledConnection:
        if self.settings_dict["NAME"] is None:  # the maintenance connection of test databases
            return super().get_new_connection(conn_params)  # type: ignore[no-any-return]
        self.isolation_level = psycopg2.extensions.ISOLATION_LEVEL_READ_COMMITTED
        try:
            return self.hub_pool().take()
        except PoolExhausted as error:
            raise OperationalError(str(error)) from error

    def close_pool(self) -> None:
        """Called by Django before it drops or copies a database: free connections would be in the way."""
        if self.settings_dict["NAME"] is not None:
            self.hub_pool().clear()

    def _close(self) -> None:
        connection = self.connection
        if connection is None:
            return
        if self.settings_dict["NAME"] is None:
            connection.close()
            return
        with self.wrap_database_errors:
            if not connection.closed and connection.info.transaction_status != _IDLE:
                connection.close()
            self.hub_pool().give(connection)
