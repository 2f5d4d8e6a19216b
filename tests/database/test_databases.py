"""What both databases must do alike, and what each backend adds."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.database.lookups import Lookup
from registryhub.database.transactions import execute_relaxed, relaxed_transaction, release_connection

names_lookup = Lookup(
    "test_names", "SELECT name FROM access_repository WHERE source_id = %s AND name > %s ORDER BY name"
)

only_sqlite = pytest.mark.only_database("sqlite")
only_postgres = pytest.mark.only_database("postgres")


def make_repositories(*names: str) -> None:
    Repository.objects.bulk_create([Repository(source_id=HUB_SOURCE_ID, name=name) for name in names])


@pytest.mark.django_db(transaction=True)
def test_names_sort_bytewise() -> None:
    """`-` < `.` < `/` < digits < letters, whatever the locale of the database."""
    names = ["a-b", "a.b", "a/b", "a0", "aa", "ab", "a_b", "b"]
    make_repositories(*reversed(names))
    assert list(Repository.objects.order_by("name").values_list("name", flat=True)) == sorted(names)
    assert [name for (name,) in names_lookup.all(HUB_SOURCE_ID, "a.b")] == sorted(names)[2:]


@pytest.mark.django_db(transaction=True)
def test_a_lookup_sees_the_writes_of_its_own_transaction() -> None:
    """Inside a transaction a look-up runs on its connection; other threads see nothing yet."""
    with transaction.atomic():
        make_repositories("mine")
        assert names_lookup.one(HUB_SOURCE_ID, "") == ("mine",)
        assert in_thread(lambda: names_lookup.one(HUB_SOURCE_ID, "")) is None
    assert in_thread(lambda: names_lookup.one(HUB_SOURCE_ID, "")) == ("mine",)


@pytest.mark.django_db(transaction=True)
def test_a_relaxed_statement_says_what_it_has_touched() -> None:
    """It commits by itself, or with the transaction around it."""
    make_repositories("a", "b")
    rename = "UPDATE access_repository SET name = %s WHERE name = %s"
    assert execute_relaxed(rename, ("c", "a")) == 1
    assert execute_relaxed(rename, ("c", "nobody")) == 0
    with pytest.raises(RuntimeError), transaction.atomic():
        assert execute_relaxed(rename, ("d", "b")) == 1
        raise RuntimeError
    assert set(Repository.objects.values_list("name", flat=True)) == {"b", "c"}


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_only_the_relaxed_statement_does_not_wait_for_the_disk() -> None:
    """PostgreSQL is told so for this one transaction."""
    make_repositories("a")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        execute_relaxed("UPDATE access_repository SET name = current_setting('synchronous_commit')", ())
        assert Repository.objects.get().name == "off"
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute("RESET synchronous_commit")


@pytest.mark.django_db(transaction=True)
def test_a_relaxed_transaction_commits_and_rolls_back_like_any_other() -> None:
    """Only the wait for the disk is left out, and only for this transaction."""
    usual = durability()
    with relaxed_transaction():
        make_repositories("kept")
        assert durability() == ("off" if connection.vendor == "postgresql" else 1)
    with pytest.raises(RuntimeError), relaxed_transaction():
        make_repositories("undone")
        raise RuntimeError
    assert names_lookup.all(HUB_SOURCE_ID, "") == [("kept",)]
    assert durability() == usual


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_writers_take_turns() -> None:
    """A writer of many transactions does not starve one that wants a single one."""
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            with transaction.atomic():
                Repository.objects.filter(pk=-1).update(is_public=True)
                time.sleep(0.02)

    threads = [threading.Thread(target=in_own_connection, args=(keep_writing,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        turns = 0
        deadline = time.monotonic() + 20
        while turns < 10:
            with transaction.atomic():
                turns += 1
            assert time.monotonic() < deadline, f"only {turns} turns in 20 s"
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_failed_transaction_gives_its_ticket_back() -> None:
    """Another thread can write after an error inside a transaction."""
    with pytest.raises(RuntimeError), transaction.atomic():
        raise RuntimeError
    in_thread(lambda: make_repositories("after"))
    assert Repository.objects.filter(name="after").exists()


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_connections_are_few_however_many_the_threads() -> None:
    """Forty threads that release share the pool."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
    seen: set[int] = set()
    release_connection()

    def use() -> None:
        for _ in range(5):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                seen.add(cursor.fetchone()[0])
            release_connection()

    threads = [threading.Thread(target=use) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 1 <= len(seen) <= 8


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_the_server_closed_is_replaced() -> None:
    """After a restart of the server the first request already gets a fresh connection."""
    release_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        victim = cursor.fetchone()[0]
    release_connection()
    in_thread(lambda: kill_backend(victim))
    assert names_lookup.all(HUB_SOURCE_ID, "") == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_an_exhausted_pool_is_an_operational_error() -> None:
    """Callers treat it as a database that does not answer: 503."""
    pool = connection.hub_pool()  # type: ignore[attr-defined]
    release_connection()
    held = [pool.take() for _ in range(8)]
    pool._wait_seconds, patience = 0.05, pool._wait_seconds
    try:
        with pytest.raises(OperationalError, match="came free"):
            names_lookup.all(HUB_SOURCE_ID, "")
    finally:
        pool._wait_seconds = patience
        for taken in held:
            pool.give(taken)


def durability() -> Any:
    """SQLite: 1 is NORMAL, 2 is FULL."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous" if connection.vendor == "sqlite" else "SHOW synchronous_commit")
        return cursor.fetchone()[0]


def kill_backend(pid: int) -> None:
    settings = connections["default"].settings_dict
    other = psycopg2.connect(
        dbname="postgres",
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
    )
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
    other.close()
    time.sleep(0.2)


def in_own_connection(work: Callable[[], Any]) -> None:
    try:
        work()
    finally:
        connections.close_all()


def in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=in_own_connection, args=(lambda: results.append(work()),))
    thread.start()
    thread.join(30)
    return results[0]
