"""A bounded pool of connections, one a process and database.

Threads are many (one a slow download), connections are few: whoever needs the database takes a connection
for as long as it works with it and gives it back before bytes stream.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Connection = TypeVar("Connection")


class PoolExhausted(Exception):
    """No connection came free in time; the caller answers 503 and the client tries again."""


class Pool(Generic[Connection]):
    """At most `size` connections, the most recently used first.

    `is_usable` must not cost a round trip: it is asked each time a connection is taken or given back. `is_trusted` may
    be asked instead by those who do little else with it, and for whom it is a small harm that a connection is dead.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Connection],
        close: Callable[[Connection], None],
        is_usable: Callable[[Connection], bool],
        is_trusted: Callable[[Connection], bool] | None = None,
        size: int,
        wait_seconds: float,
    ) -> None:
        self._connect = connect
        self._close = close
        self._is_usable = is_usable
        self._is_trusted = is_trusted or is_usable
        self._wait_seconds = wait_seconds
        self._free: deque[Connection] = deque()
        self._places: SimpleQueue[None] = SimpleQueue()  # a semaphore in C: threading's costs ten times as much
        for _ in range(size):
            self._places.put(None)

    def take(self, *, trusting: bool = False) -> Connection:
        """Raises PoolExhausted after `wait_seconds`, and whatever connecting raises."""
        try:
            self._places.get(timeout=self._wait_seconds)
        except Empty:
            raise PoolExhausted(f"no database connection came free within {self._wait_seconds:g} s") from None
        is_right = self._is_trusted if trusting else self._is_usable
        try:
            while True:
                try:
                    connection = self._free.pop()
                except IndexError:
                    return self._connect()
                if is_right(connection):
                    return connection
                self._close(connection)
        except BaseException:
            self._places.put(None)
            raise

    def give(self, connection: Connection, *, trusting: bool = False) -> None:
        """Give back what `take` returned, once; a connection that is no longer usable is closed."""
        is_right = self._is_trusted if trusting else self._is_usable
        try:
            if is_right(connection):
                self._free.append(connection)
            else:
                self._close(connection)
        finally:
            self._places.put(None)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        connection = self.take()
        try:
            yield connection
        finally:
            self.give(connection)

    def clear(self) -> None:
        """Close every free connection; those in use are closed by nobody but their users."""
        while self._free:
            self._close(self._free.pop())
