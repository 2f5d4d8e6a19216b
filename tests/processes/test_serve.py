"""`serve` with all its processes, as users and service managers meet it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.pushing import push_blob
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.images import Blob
from tests.servers.ports import is_listening
from tests.servers.proc import Process, descendants, is_alive
from tests.servers.server import wait_until

PROGRAMS = ("web", "ship", "relay", "worker")

processes_alone = pytest.mark.only_database("sqlite")
"""Of tests that no database has a part in."""


@pytest.fixture
def hub(tmp_path: Path, databases: Databases) -> Hub:
    return Hub(tmp_path, databases)


def refused(hub: Hub, *arguments: str, **variables: str) -> str:
    """What a `serve` says that must not start; it has to end with status 1."""
    result = subprocess.run(
        [*hub.argv(), *arguments],
        cwd=hub.working_folder(),
        env={**hub.environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout + result.stderr


def is_ready(hub: Hub) -> bool:
    """Like `hub.is_ready`, but a refused connection is only a no."""
    try:
        return hub.is_ready()
    except OSError:
        return False


def headers_of(hub: Hub, path: str) -> dict[str, str]:
    """By a connection of its own: a kept one may be closed between two requests, as HTTP has it."""
    with hub.wire() as wire:
        return wire.request("GET", path).headers


def child(hub: Hub, program: str) -> Process:
    [found] = hub.processes(program)
    return found


def test_the_first_start_says_everything_once(tmp_path: Path, empty_databases: Databases) -> None:
    """Addresses, folder and a password that works; the second start no longer says the password."""

    class FirstHub(Hub):
        def environment(self) -> dict[str, str]:
            return {name: value for name, value in super().environment().items() if name != "HUB_ADMIN_PASSWORD"}

    hub = FirstHub(tmp_path, empty_databases)
    with hub:
        said = hub.log_tail()
        assert hub.url in said
        assert str(tmp_path / "data") in said
        found = re.search(r"admin, password (\S+)", said)
        assert found
        assert can_log_in(hub, "admin", found[1])
        assert not can_log_in(hub, "admin", "another")
    with hub:
        assert hub.log_tail().count("admin, password") == 1
        assert hub.log_tail().count("Ready after") == 2


def can_log_in(hub: Hub, name: str, password: str) -> bool:
    with hub.wire() as wire:
        token = re.search(r"csrftoken=(\w+)", wire.request("GET", "/admin/login/").headers["set-cookie"])
        assert token
        form = {"username": name, "password": password, "next": "/", "csrfmiddlewaretoken": token[1]}
        headers = {"Cookie": f"csrftoken={token[1]}", "Content-Type": "application/x-www-form-urlencoded"}
        return wire.request("POST", "/admin/login/", headers=headers, body=urlencode(form).encode()).status == 302


def test_whoever_is_killed_comes_back(hub: Hub) -> None:
    """Each process in turn, and Granian's worker before its main; nobody of the old ones goes on."""
    with hub:
        assert wait_until(lambda: all(len(hub.processes(program)) == 1 for program in PROGRAMS), 10)
        main = child(hub, "web")
        workers = descendants(main.pid)
        assert len(workers) == 2
        os.kill(workers[0].pid, signal.SIGKILL)
        old_pids = {worker.pid for worker in workers}
        assert wait_until(lambda: len({worker.pid for worker in descendants(main.pid)} - old_pids) == 1, 10)
        for program in PROGRAMS:
            old = [victim := child(hub, program), *descendants(victim.pid)]
            os.kill(victim.pid, signal.SIGKILL)
            assert wait_until(lambda: not any(is_alive(process.pid) for process in old), 5)  # noqa: B023
            assert wait_until(lambda: len(hub.processes(program)) == 1, 10)  # noqa: B023
            assert wait_until(lambda: is_ready(hub), 10)


@processes_alone
def test_a_killed_supervisor_leaves_nobody(hub: Hub) -> None:
    """The port is free for the next one, which starts on the same data."""
    hub.start()
    below = hub.tree()[1:]
    assert len(below) >= 1 + len(PROGRAMS)
    hub.kill_alone()
    assert wait_until(lambda: not any(is_alive(process.pid) for process in below), 5)
    assert wait_until(lambda: not is_listening(hub.port), 5)
    with hub:
        assert hub.is_ready()


@processes_alone
def test_a_killed_main_leaves_no_worker_that_serves(hub: Hub) -> None:
    """Its workers share the port with their successors: one that lived on would answer with old code for ever."""
    with hub:
        main = child(hub, "web")
        workers = descendants(main.pid)
        os.kill(main.pid, signal.SIGSTOP)  # it must not even get the chance to tell them
        os.kill(main.pid, signal.SIGKILL)
        assert wait_until(lambda: not any(is_alive(worker.pid) for worker in workers), 5)


def test_sigterm_under_load_finishes_what_was_begun(hub: Hub) -> None:
    """Whoever got the first byte of an answer gets the last, a slow download too; then it ends with status 0."""
    hub.start()
    blob = Blob("application/octet-stream", os.urandom(24 << 20))
    with hub.wire() as wire:
        push_blob(wire, "load/blob", blob)
    crowd = Crowd(hub.port)
    crowd.add(*[crowd.pull_quickly] * 8, lambda: crowd.pull_slowly(f"/v2/load/blob/blobs/{blob.digest}", blob.content))
    time.sleep(1.0)
    started_at = time.monotonic()
    assert hub.stop() == 0
    assert time.monotonic() - started_at < 20
    crowd.join()
    assert crowd.whole > 100
    assert crowd.slow_whole == 1
    assert crowd.cut == []


class Crowd:
    """Clients that count what they got whole and what was cut short. Not to be answered at all is no harm."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.whole = 0
        self.slow_whole = 0
        self.cut: list[str] = []
        self._threads: list[threading.Thread] = []

    def add(self, *clients: Callable[[], None]) -> None:
        for client in clients:
            self._threads.append(threading.Thread(target=client))
            self._threads[-1].start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def pull_quickly(self) -> None:
        """Ask again and again on a kept connection until nobody listens."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            while True:
                try:
                    connection.request("GET", "/v2/")
                    answer = connection.getresponse()
                except (OSError, http.client.HTTPException):
                    return
                try:
                    assert answer.read() == b"{}"
                    self.whole += 1
                except (OSError, http.client.HTTPException, AssertionError) as error:
                    self.cut.append(repr(error))

    def pull_slowly(self, path: str, expected: bytes) -> None:
        """Take some seconds over one download."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            connection.request("GET", path)
            answer = connection.getresponse()
            pieces = []
            while piece := answer.read(1 << 20):
                pieces.append(piece)
                time.sleep(0.15)
        if b"".join(pieces) == expected:
            self.slow_whole += 1
        else:
            self.cut.append(path)


@processes_alone
def test_a_second_start_on_the_same_data_is_refused(hub: Hub) -> None:
    """It names the process that serves, and the first one does not notice."""
    with hub:
        assert f"process {hub.pid} already serves" in refused(hub, REGISTRY_HTTP_ADDR="127.0.0.1:0")
        assert hub.is_ready()


@processes_alone
def test_a_taken_port_is_refused(hub: Hub) -> None:
    """The message names the address and what to change."""
    hub.folder.mkdir(exist_ok=True)
    hub.prepare()
    with socket.create_server(("127.0.0.1", hub.port)):
        said = refused(hub)
    assert hub.host in said
    assert "http.addr" in said
    assert "Traceback" not in said


@processes_alone
def test_mistakes_of_the_command_line_are_refused(hub: Hub) -> None:
    """A file that is not there, a configuration with mistakes, an unknown role: one clear message each."""
    hub.folder.mkdir(exist_ok=True)
    assert str(hub.config_file) in refused(hub)
    hub.config_file.write_text("version: 0.1\nstorage: {filesystem: {rootdirectory: /tmp}}\nhtpp: {}\n")
    assert "htpp" in refused(hub)
    hub.prepare()
    assert "web, relay, worker" in refused(hub, "--role", "wbe")


@processes_alone
def test_sighup_takes_the_new_configuration_over(hub: Hub) -> None:
    """While requests go on, and one with mistakes changes nothing."""
    with hub:
        hub.config_file.write_text("version: 0.1\nnonsense: {}\n")
        os.kill(hub.pid, signal.SIGHUP)
        assert wait_until(lambda: "not reloaded" in hub.log_tail(), 10)
        old = {program: child(hub, program).pid for program in PROGRAMS}
        hub.config["http"]["headers"] = {"X-Taught": ["yes"]}
        hub.prepare()
        os.kill(hub.pid, signal.SIGHUP)
        assert wait_until(lambda: "x-taught" in headers_of(hub, "/v2/"), 30, 0.05)
        assert wait_until(lambda: not any(is_alive(pid) for pid in old.values()), 30)
        assert wait_until(lambda: is_ready(hub), 10)


def test_a_role_alone_starts_only_its_own(hub: Hub) -> None:
    """The relay needs no port."""
    hub.arguments = ("--role", "relay")
    hub.folder.mkdir(exist_ok=True)
    hub.prepare()
    hub.launch()
    try:
        assert wait_until(lambda: len(hub.processes("relay")) == 1, 20)
        assert [process.argv[-1] for process in hub.tree()[1:]] == ["relay"]
        assert not is_listening(hub.port)
    finally:
        hub.stop()


@pytest.mark.only_database("postgres")
def test_pending_migrations_are_refused_on_postgres(tmp_path: Path, empty_databases: Databases) -> None:
    """Nobody's production tables change without being asked."""
    hub = Hub(tmp_path, empty_databases)
    hub.folder.mkdir(exist_ok=True)
    hub.prepare()
    hub.argv = lambda: [word for word in Hub.argv(hub) if word != "--migrate"]  # type: ignore[method-assign]
    assert "--migrate" in refused(hub)
