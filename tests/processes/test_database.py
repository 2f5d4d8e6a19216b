"""The database at start."""

import io
import os
import signal
import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from registryhub.processes import database
from registryhub.processes.administrator import ensure_administrator
from registryhub.processes.database import (
    NoDatabase,
    PendingMigrations,
    bring_up_to_date,
    one_at_a_time,
    pending_migrations,
    wait_for_database,
)
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.postgres import PostgresServer
from tests.servers.run import new_folder
from tests.servers.server import wait_until


@pytest.mark.django_db(transaction=True)
def test_a_migrated_database_is_taken_as_it_is(tmp_path: Path) -> None:
    """Whether or not it may be migrated."""
    wait_for_database(patience_seconds=0, output=io.StringIO())
    assert pending_migrations() == []
    bring_up_to_date(data=tmp_path, may_migrate=False)


def test_patience_with_the_database_ends_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the meantime it says what it waits for."""

    def fail() -> None:
        raise OperationalError("connection\nrefused")

    monkeypatch.setattr(connection, "ensure_connection", fail)
    output = io.StringIO()
    with pytest.raises(NoDatabase, match="DATABASE_URL"):
        wait_for_database(patience_seconds=0.1, output=output)
    assert output.getvalue() == "Waiting for the database: connection refused\n"


@pytest.mark.django_db(transaction=True)
def test_postgres_is_not_migrated_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite is, since nobody else knows of the file."""
    calls: list[str] = []
    monkeypatch.setattr(database, "pending_migrations", lambda: ["access.0002_more"])
    monkeypatch.setattr(database, "call_command", lambda name, **_: calls.append(name))
    if connection.vendor == "postgresql":
        with pytest.raises(PendingMigrations, match=r"access\.0002_more.*--migrate"):
            bring_up_to_date(data=tmp_path, may_migrate=False)
        assert calls == []
    bring_up_to_date(data=tmp_path, may_migrate=connection.vendor == "postgresql")
    assert calls == ["migrate"]


@pytest.mark.django_db(transaction=True)
def test_only_one_prepares_the_database_at_a_time(tmp_path: Path) -> None:
    """The second one waits until the first is through."""
    order: list[str] = []
    is_inside, may_leave = threading.Event(), threading.Event()

    def first() -> None:
        with one_at_a_time(tmp_path):
            is_inside.set()
            may_leave.wait(10)
            order.append("first")

    def second() -> None:
        is_inside.wait(10)
        with one_at_a_time(tmp_path):
            order.append("second")

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    assert is_inside.wait(10)
    threads[1].join(0.3)
    may_leave.set()
    for thread in threads:
        thread.join()
    assert order == ["first", "second"]


@pytest.mark.django_db
def test_the_first_administrator_is_made_once() -> None:
    """With the password that was wanted, else a long random one."""
    password = ensure_administrator("")
    assert password is not None
    assert len(password) >= 16
    assert ensure_administrator("another") is None


@pytest.mark.django_db
def test_an_ordinary_user_called_admin_is_not_raised(django_user_model: type) -> None:
    """Whoever made it did not mean that."""
    user = django_user_model.objects.create_user("admin", password="mine")  # type: ignore[attr-defined]
    assert ensure_administrator("") is None
    user.refresh_from_db()
    assert not user.is_superuser


@pytest.mark.only_database("postgres")
def test_the_start_waits_for_postgres(tmp_path: Path, databases: Databases) -> None:
    """It says so, can be stopped meanwhile, and goes on as soon as the database is there."""
    postgres = PostgresServer(new_folder("postgres"), fsync=False)
    postgres.start()
    postgres.stop()
    hub = Hub(tmp_path / "hub", Databases("postgres", postgres.url, databases.redis_url))
    hub.folder.mkdir()
    hub.prepare()
    hub.launch()
    assert wait_until(lambda: "Waiting for the database" in hub.log_tail(), 20)
    os.kill(hub.pid, signal.SIGTERM)
    assert wait_until(lambda: not hub.is_running, 5)
    hub.stop()
    hub.launch()
    try:
        assert wait_until(lambda: hub.log_tail().count("Waiting for the database") >= 2, 20)
        with postgres:
            hub.wait_until_ready()
            hub.stop()
    finally:
        hub.kill()
