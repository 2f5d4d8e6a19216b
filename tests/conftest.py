"""The ground under all tests: databases before settings, real peers or a loud skip, nothing left running.

`--database=postgres` starts one PostgreSQL and one Redis for the whole run. Settings read the environment when
they are imported, so everything is placed there in `pytest_configure`, before pytest-django imports them.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import cast

import django
import pytest

from tests.servers.databases import KINDS, Databases, Kind, database_servers, fresh_databases
from tests.servers.peers import why_missing
from tests.servers.redis import with_number
from tests.servers.run import begin_run, end_run, run_folder, strays
from tests.servers.server import kill_all, running_servers

SERVERS = pytest.StashKey[ExitStack]()
FOLDER = pytest.StashKey[Path]()
MISSING = "a peer is missing: "
_DATABASE_FIXTURES = {"db", "transactional_db", "database_kind"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=KINDS, default="sqlite", help="what the hub keeps its rows in (sqlite)")
    what = "only those tests that are run on all databases (shared), or only those that are not (own)"
    parser.addoption("--part", choices=("shared", "own"), help=what)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.help:
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "registryhub.settings"
    if is_worker(config):
        place_worker(run_folder(), config.workerinput["workerid"])  # type: ignore[attr-defined]
    else:
        start_run(config)
    django.setup()
    import_module("tests.emptying").empty_quickly()


def start_run(config: pytest.Config) -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would each compile all that they import
    stack = config.stash[SERVERS] = ExitStack()
    folder = config.stash[FOLDER] = begin_run()
    try:
        servers = stack.enter_context(database_servers(chosen_kind(config), folder, fsync=False))
    except BaseException:
        del config.stash[FOLDER]
        end_run(folder)
        raise
    place_run(folder, servers)


def pytest_unconfigure(config: pytest.Config) -> None:
    """For runs that ended before there was a session; `stop_everything` has done it for all others."""
    stop_everything(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    yield
    if left := stop_everything(session.config):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_sep("=", "processes were left behind", red=True)
            reporter.write_line("\n".join(left))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def stop_everything(config: pytest.Config) -> list[str]:
    """Stop the databases, remove the folder; whatever else the run started and left is killed, and told as lines."""
    folder = config.stash.get(FOLDER, None)
    if folder is None:
        return []
    del config.stash[FOLDER]
    try:
        config.stash[SERVERS].close()
        left = strays(folder)
        kill_all(left)
        return [str(process) for process in left]
    finally:
        end_run(folder)


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a process of pytest-xdist, which uses what the first process started."""
    return hasattr(config, "workerinput")


def chosen_kind(config: pytest.Config) -> Kind:
    return cast(Kind, config.getoption("--database"))


def place_run(folder: Path, servers: Databases) -> None:
    for name in [name for name in os.environ if name.startswith("REGISTRY_")]:
        del os.environ[name]  # a developer's own overrides must not decide what the tests see
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "REGISTRYHUB_CONFIG"):
        os.environ.pop(name, None)
    place_data(folder / "main")
    os.environ.update(servers.environment())


def place_worker(folder: Path, worker: str) -> None:
    place_data(folder / worker)
    if redis_url := os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = with_number(redis_url, 1 + int(worker.removeprefix("gw")))


def place_data(folder: Path) -> None:
    """A data folder of this process's own; with SQLite the database is a file in it, for threads and processes."""
    folder.mkdir()
    os.environ["HUB_DATA"] = str(folder)
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/hub.sqlite3"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to another run; there is nothing to be missed in it."""
    kind, part = chosen_kind(config), config.getoption("--part")

    def is_wanted(item: pytest.Item) -> bool:
        kinds = kinds_of(item)
        return kind in kinds and part in (None, "shared" if len(kinds) == len(KINDS) else "own")

    others = [item for item in items if not is_wanted(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


def kinds_of(item: pytest.Item) -> tuple[object, ...]:
    """On which databases a test is run: where its mark says; once, on SQLite, when it has nothing to do with any.

    pytest-django lets no test at the database without its mark or fixture; a hub's databases come by `database_kind`.
    """
    if marker := item.get_closest_marker("only_database"):
        return marker.args
    fixtures = getattr(item, "fixturenames", ())
    has_database = item.get_closest_marker("django_db") or not _DATABASE_FIXTURES.isdisjoint(fixtures)
    return KINDS if has_database else KINDS[:1]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a peer that is not here, saying how to get it; under CI that is a failure."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            reason = why_missing(name)
            if reason is None:
                continue
            if os.environ.get("CI") == "true":
                pytest.fail(MISSING + reason, pytrace=False)
            pytest.skip(MISSING + reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr[2]) for report in terminalreporter.getreports("skipped")]
    missing = Counter(reason.partition(MISSING)[2] for reason in reasons if MISSING in reason)
    if missing:
        terminalreporter.write_sep("!", "tests against real peers did NOT run", yellow=True)
        for reason, count in sorted(missing.items()):
            terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failed test shows how the logs of the servers it used end."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        report.sections += [(f"end of the log of {server.name}", server.log_tail()) for server in running_servers()]
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> Kind:
    """What `--database` says."""
    return chosen_kind(request.config)


@pytest.fixture(scope="session")
def new_databases(database_kind: Kind) -> Callable[[], Databases]:
    """Makes databases for hubs that run as processes of their own, apart from the one of the unit tests."""
    return lambda: fresh_databases(servers_of(database_kind))


def servers_of(kind: Kind) -> Databases:
    if kind == "sqlite":
        return Databases("sqlite")
    return Databases("postgres", os.environ["DATABASE_URL"], os.environ["REDIS_URL"])


@pytest.fixture
def databases(new_databases: Callable[[], Databases]) -> Databases:
    """Databases for the one hub of a test, with tables and the administrator."""
    return new_databases()


@pytest.fixture
def empty_databases(database_kind: Kind) -> Databases:
    """Databases for a hub that is started for the first time."""
    return fresh_databases(servers_of(database_kind), is_furnished=False)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database is not dropped, it goes with the folder: pools may hold connections until the end."""
    return True


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only the superuser may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
