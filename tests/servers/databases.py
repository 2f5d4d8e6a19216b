"""What a hub of the tests keeps its rows and messages in: SQLite alone, or PostgreSQL and Redis."""

import itertools
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tests.servers.postgres import PostgresServer, create_database
from tests.servers.redis import RedisServer, with_number
from tests.servers.run import new_folder

ROOT = Path(__file__).parents[2]
OWN_VARIABLES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HUB_", "REGISTRY_", "REGISTRYHUB_CONFIG", "DJANGO_")
"""What would configure a hub."""

Kind = Literal["sqlite", "postgres"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Databases:
    """`postgres_url` and `redis_url` are None for SQLite, where the hub's own default (a file in HUB_DATA) is used.

    With a `token` of the administrator they are furnished; on SQLite that is a copy of the file `furnished`.
    """

    kind: Kind
    postgres_url: str | None = None
    redis_url: str | None = None
    furnished: Path | None = None
    token: str | None = None

    def environment(self) -> dict[str, str]:
        """DATABASE_URL and REDIS_URL as the hub reads them; what is not set must not be inherited either."""
        pairs = {"DATABASE_URL": self.postgres_url, "REDIS_URL": self.redis_url}
        return {name: value for name, value in pairs.items() if value}


PASSWORD = "a-password-of-the-tests"
FILE = "hub.sqlite3"
_FURNISHED = "furnished"
_numbers = itertools.count(1)


def fresh_databases(servers: Databases, *, is_furnished: bool = True) -> Databases:
    """Databases on the given servers for one more hub, with its tables and the administrator, or empty.

    The tables are made once a run, and copied: they take a hub seconds.
    """
    if servers.postgres_url is None or servers.redis_url is None:
        return _furnished_file() if is_furnished else servers
    # A block of 32 a process of pytest-xdist (gw0, gw1 …); the hubs of one process seldom live at the same time.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = 32 + worker % 30 * 32 + next(_numbers) % 32
    token = _furnish_on(servers.postgres_url) if is_furnished else None
    name, template = f"hub_{uuid.uuid4().hex[:12]}", _FURNISHED if is_furnished else "template1"
    return Databases(
        kind=servers.kind,
        postgres_url=create_database(servers.postgres_url, name, template=template),
        redis_url=with_number(servers.redis_url, number),
        token=token,
    )


@cache
def _furnished_file() -> Databases:
    folder = new_folder("furnished")
    return Databases("sqlite", furnished=folder / FILE, token=_furnish(folder, {}))


@cache
def _furnish_on(url: str) -> str:
    return _furnish(new_folder("furnished"), {"DATABASE_URL": create_database(url, _FURNISHED)})


def _furnish(folder: Path, variables: Mapping[str, str]) -> str:
    """The token of the administrator."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    own = {"HUB_DATA": str(folder), "HUB_ADMIN_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "tests.servers.furnish"]
    result = subprocess.run(
        command, cwd=ROOT, env={**inherited, **own, **variables}, stdout=subprocess.PIPE, text=True, check=True
    )
    return result.stdout.split()[-1]


@contextmanager
def database_servers(kind: Kind, folder: Path, *, fsync: bool) -> Iterator[Databases]:
    """Start what the kind needs, once for a whole run. What an earlier run of this process had is gone."""
    _furnished_file.cache_clear()
    _furnish_on.cache_clear()
    if kind == "sqlite":
        yield Databases("sqlite")
        return
    with PostgresServer(folder / "postgres", fsync=fsync) as postgres, RedisServer(folder / "redis") as redis:
        yield Databases("postgres", postgres.url, redis.url)
