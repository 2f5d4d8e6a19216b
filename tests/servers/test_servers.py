"""The servers of the tests themselves: they start, restart on the same data, tell why they fail, and leave nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from tests.servers.databases import Databases
from tests.servers.postgres import PostgresServer, create_database
from tests.servers.redis import RedisServer
from tests.servers.run import new_folder, run_folder, strays
from tests.servers.server import Server, ServerError, wait_until


class Sleeper(Server):
    """A shell script as a server."""

    def __init__(self, folder: Path, script: str) -> None:
        super().__init__("sleeper", folder)
        self.script = script

    def argv(self) -> list[str]:
        return ["/bin/sh", "-c", self.script]

    def is_ready(self) -> bool:
        return (self.folder / "ready").exists()


def test_postgres_keeps_its_rows_over_a_restart() -> None:
    """A stopped and a killed server come back on the same port with what was committed."""
    with PostgresServer(new_folder("pg"), fsync=True) as server:
        for blow in (server.stop, server.kill):
            _execute(server.url, f"CREATE TABLE {blow.__name__} (number integer)")
            blow()
            with pytest.raises(psycopg2.OperationalError):
                _execute(server.url, "SELECT 1")
            server.start()
            _execute(server.url, f"INSERT INTO {blow.__name__} VALUES (1)")


def test_postgres_makes_more_databases() -> None:
    """Each hub gets a database of its own; making one twice changes nothing."""
    with PostgresServer(new_folder("pg"), fsync=False) as server:
        url = create_database(server.url, "other")
        _execute(url, "CREATE TABLE only_here (number integer)")
        assert create_database(server.url, "other") == url
        with pytest.raises(psycopg2.errors.UndefinedTable):
            _execute(server.url, "SELECT * FROM only_here")


def test_redis_starts_empty_again() -> None:
    """It answers PING before it counts as ready, and may be restarted."""
    with RedisServer(new_folder("redis")) as server:
        server.stop()
        server.start()
        assert server.is_ready()


def test_the_run_offers_databases(databases: Databases) -> None:
    """With --database=postgres each hub gets its own database; SQLite needs nothing."""
    if databases.postgres_url is not None:
        _execute(databases.postgres_url, "CREATE TABLE fresh (number integer)")
    else:
        assert databases.environment() == {}


def test_a_server_that_dies_shows_its_log() -> None:
    """The end of the log stands in the error."""
    with pytest.raises(ServerError, match=r"died while starting(?s:.)*no such luck"):
        Sleeper(new_folder("dies"), "echo no such luck; exit 3").start()


def test_a_server_that_leaves_children_is_told_on() -> None:
    """`stop` fails when a descendant outlives the server, and kills it."""
    server = Sleeper(new_folder("leaves"), "setsid sleep 1000 & touch ready; trap 'exit 0' TERM; wait")
    server.stop_seconds = 0.5
    server.start()
    children = [process.pid for process in server.tree()[1:]]
    with pytest.raises(ServerError, match="left processes behind"):
        server.stop()
    assert wait_until(lambda: not any(map(_exists, children)), 5)


def test_a_server_that_ignores_the_signal_is_killed() -> None:
    """`stop` waits, kills, and says so."""
    server = Sleeper(new_folder("deaf"), "trap '' TERM; touch ready; while :; do sleep 1; done")
    server.stop_seconds = 0.5
    server.start()
    with pytest.raises(ServerError, match="did not stop within"):
        server.stop()
    assert not server.is_running


def test_the_leash_pulls_when_the_parent_is_killed() -> None:
    """A server ends when the process that started it is killed with -9."""
    folder = new_folder("leash")
    code = (
        "import sys, time; from pathlib import Path; from tests.servers.redis import RedisServer;"
        "server = RedisServer(Path(sys.argv[1])).start(); print(server.pid, flush=True); time.sleep(1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        pid = int(parent.stdout.readline())
        assert _exists(pid)
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not _exists(pid), 10)


def test_strays_are_found() -> None:
    """A daemon that cut all its ties is still known by its environment."""
    folder = run_folder()
    daemon = subprocess.Popen(["setsid", "sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with daemon:
        assert daemon.pid in {process.pid for process in strays(folder, patience_seconds=0)}
        daemon.kill()
    assert daemon.pid not in {process.pid for process in strays(folder, patience_seconds=0)}


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
