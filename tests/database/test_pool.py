import threading

import pytest

from registryhub.database.pool import Pool, PoolExhausted


class FakeConnection:
    def __init__(self) -> None:
        self.is_open = True
        self.is_usable = True

    def close(self) -> None:
        self.is_open = False


def make_pool(*, size: int = 2, wait_seconds: float = 0.05) -> tuple[Pool[FakeConnection], list[FakeConnection]]:
    opened: list[FakeConnection] = []

    def connect() -> FakeConnection:
        opened.append(FakeConnection())
        return opened[-1]

    pool = Pool(
        connect=connect,
        close=FakeConnection.close,
        is_usable=lambda connection: connection.is_usable,
        size=size,
        wait_seconds=wait_seconds,
    )
    return pool, opened


def test_a_connection_is_used_again() -> None:
    """The connection given back last is the one taken next, and nothing new is opened."""
    pool, opened = make_pool()
    with pool.connection() as first:
        pass
    with pool.connection() as second:
        assert second is first
    assert len(opened) == 1


def test_never_more_connections_than_the_size() -> None:
    """The one too many waits, and is refused when none comes free."""
    pool, opened = make_pool(size=2)
    pool.take()
    pool.take()
    with pytest.raises(PoolExhausted, match=r"within 0\.05 s"):
        pool.take()
    assert len(opened) == 2


def test_a_waiting_thread_gets_the_connection_that_comes_free() -> None:
    """A taker that waits goes on as soon as another gives back."""
    pool, opened = make_pool(size=1, wait_seconds=10)
    held = pool.take()
    taken: list[FakeConnection] = []
    waiter = threading.Thread(target=lambda: taken.append(pool.take()))
    waiter.start()
    pool.give(held)
    waiter.join(10)
    assert taken == [held]
    assert len(opened) == 1


def test_an_unusable_connection_is_closed_and_replaced() -> None:
    """A connection whose server went away is neither kept nor handed out, and its place is free again."""
    pool, opened = make_pool(size=1)
    with pool.connection():
        pass
    opened[0].is_usable = False
    with pool.connection() as fresh:
        assert fresh is opened[1]
        fresh.is_usable = False
    assert [connection.is_open for connection in opened] == [False, False]
    with pool.connection():
        assert len(opened) == 3


def test_a_failed_connect_gives_its_place_back() -> None:
    """A database that refuses does not use up the pool."""

    def refuse() -> FakeConnection:
        raise OSError("refused")

    pool = Pool(connect=refuse, close=FakeConnection.close, is_usable=lambda _: True, size=1, wait_seconds=0.05)
    for _ in range(3):
        with pytest.raises(OSError, match="refused"):
            pool.take()
