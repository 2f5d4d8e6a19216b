"""Transactions that PostgreSQL breaks off to end a deadlock."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.registry.retries import run_transaction

pytestmark = pytest.mark.django_db(transaction=True)


class Victim(Exception):
    """What psycopg2 raises, as far as anyone looks at it."""

    def __init__(self, pgcode: str) -> None:
        super().__init__("deadlock detected")
        self.pgcode = pgcode


def work_that_fails(times: int, pgcode: str) -> tuple[Callable[[], str], list[int]]:
    """Writes a row each time, and counts how often it was called."""
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        Repository.objects.create(source_id=HUB_SOURCE_ID, name=f"run {len(calls)}")
        if len(calls) <= times:
            raise OperationalError("deadlock detected") from Victim(pgcode)
        return "done"

    return work, calls


@pytest.mark.parametrize("pgcode", ["40P01", "40001"])
def test_the_victim_of_a_deadlock_is_run_once_more(pgcode: str) -> None:
    """Nothing of the first run is left."""
    work, _ = work_that_fails(1, pgcode)
    assert run_transaction(work) == "done"
    assert [row.name for row in Repository.objects.all()] == ["run 2"]


def test_it_is_run_no_third_time() -> None:
    """Whoever fails twice is told so: the client gets 503 and tries again."""
    work, calls = work_that_fails(2, "40P01")
    with pytest.raises(OperationalError):
        run_transaction(work)
    assert len(calls) == 2
    assert not Repository.objects.exists()


def test_other_failures_are_not_repeated() -> None:
    """A lost connection may have committed."""
    work, calls = work_that_fails(1, "57P01")
    with pytest.raises(OperationalError):
        run_transaction(work)
    assert len(calls) == 1


def test_within_a_transaction_nothing_can_be_repeated() -> None:
    """The whole of it is broken; its owner decides."""
    work, calls = work_that_fails(1, "40P01")
    with pytest.raises(OperationalError), transaction.atomic():
        run_transaction(work)
    assert len(calls) == 1


@pytest.mark.only_database("postgres")
def test_two_that_lock_each_other_out_both_end() -> None:
    """A real deadlock: two rows, taken in opposite order."""
    rows = [Repository.objects.create(source_id=HUB_SOURCE_ID, name=name) for name in ("a", "b")]
    both_hold_one = threading.Barrier(2)

    def update(first: int, second: int) -> None:
        waited: list[bool] = []

        def work() -> None:
            Repository.objects.filter(pk=first).update(is_public=True)
            if not waited:
                waited.append(True)
                both_hold_one.wait(10)
            Repository.objects.filter(pk=second).update(is_public=True)

        try:
            run_transaction(work)
        finally:
            connection.close()

    one, other = (row.pk for row in rows)
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(update, one, other), pool.submit(update, other, one)]:
            future.result(30)
    assert Repository.objects.filter(is_public=True).count() == 2
