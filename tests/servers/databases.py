"""What a hub of the tests keeps its rows and messages in: SQLite alone, or PostgreSQL and Redis."""

import itertools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.servers.postgres import PostgresServer, create_database
from tests.servers.redis import RedisServer, with_number

Kind = Literal["sqlite", "postgres"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Databases:
    """`postgres_url` and `redis_url` are None for SQLite, where the hub's own default (a file in HUB_DATA) is used."""

    kind: Kind
    postgres_url: str | None = None
    redis_url: str | None = None

    def environment(self) -> dict[str, str]:
        """DATABASE_URL and REDIS_URL as the hub reads them; what is not set must not be inherited either."""
        pairs = {"DATABASE_URL": self.postgres_url, "REDIS_URL": self.redis_url}
        return {name: value for name, value in pairs.items() if value}


_numbers = itertools.count(1)


def fresh_databases(servers: Databases) -> Databases:
    """Empty databases on the given servers, for one more hub."""
    if servers.postgres_url is None or servers.redis_url is None:
        return servers
    # A block of 32 a process of pytest-xdist (gw0, gw1 …); the hubs of one process seldom live at the same time.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = 32 + worker % 30 * 32 + next(_numbers) % 32
    return Databases(
        kind=servers.kind,
        postgres_url=create_database(servers.postgres_url, f"hub_{uuid.uuid4().hex[:12]}"),
        redis_url=with_number(servers.redis_url, number),
    )


@contextmanager
def database_servers(kind: Kind, folder: Path, *, fsync: bool) -> Iterator[Databases]:
    """Start what the kind needs, once for a whole run."""
    if kind == "sqlite":
        yield Databases("sqlite")
        return
    with PostgresServer(folder / "postgres", fsync=fsync) as postgres, RedisServer(folder / "redis") as redis:
        yield Databases("postgres", postgres.url, redis.url)
