"""The `hub` section: what the reference does not know."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from registryhub.config.addresses import DatabaseUrl, RedisUrl
from registryhub.config.deployer import Deployer
from registryhub.config.document import Scalar
from registryhub.config.keeping import Collect, Deleting, EventLog, Retention
from registryhub.config.section import Section
from registryhub.config.values import (
    CHOICE,
    EMPTY_IS_NONE,
    FilePath,
    Flag,
    PositiveDuration,
    Secret,
    Size,
    Text,
    Whole,
    at_least,
    read_text,
)

DEFAULT_DATA = "./var"


class Database(Section):
    """Where the facts and the log live; `pool` bounds the connections of each process."""

    url: DatabaseUrl
    pool: Annotated[Whole, at_least(1)] = 8


class Redis(Section):
    """Broker, cache and live feed; without it the hub does all three itself."""

    url: Annotated[RedisUrl | None, EMPTY_IS_NONE] = None


class Events(Section):
    """What is sent to endpoints: pulls of blobs, and (`compat`) HEAD and 304 as the reference sends them."""

    blob_pulls: Flag = True
    compat: Flag = False


class Journal(Section):
    """When the pulls in the journal reach the disk: a loss of power loses at most the interval."""

    fsync: Annotated[Literal["never", "interval", "always"], CHOICE] = "interval"
    interval_seconds: PositiveDuration = Field(default=0.2, alias="interval")


class Web(Section):
    """Processes that answer requests, and the threads of each."""

    workers: Annotated[Whole, at_least(1)] = 2
    threads: Annotated[Whole, at_least(1)] = 256


class Limits(Section):
    """The largest things taken in, and the free disk below which pushes are refused; sizes in bytes."""

    manifest_bytes: Annotated[Size, at_least(1)] = 4 << 20
    envelope_bytes: Annotated[Size, at_least(1)] = 64 << 20
    envelope_events: Annotated[Whole, at_least(1)] = 10_000
    free_bytes: Size = 100 << 20


def _read_network(value: object) -> object:
    text = read_text(value)
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        raise ValueError("must be an address or network such as 10.1.2.3 or 10.0.0.0/8") from None


NetworkText = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_read_network), PlainSerializer(str)
]


class Outgoing(Section):
    """Networks within that URLs typed into the hub may lead to, beside the whole public internet."""

    allow: tuple[NetworkText, ...] = ()


_HOST = re.compile(r"\*|\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")


def _check_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("must be a host name without scheme or port, such as hub.example.org or .example.org")
    return host


class Hub(Section):
    """Data folder, database, web processes, limits and deployer of the hub itself.

    `proxies` are the networks whose forwarded headers are believed; `tree` says whether links and manifests are
    written into the disk tree too, so that Distribution can take it over.
    """

    data: FilePath = Field(default=Path(DEFAULT_DATA), validate_default=True)
    database: Database
    redis: Redis = Redis()
    secret_key: Annotated[Secret | None, EMPTY_IS_NONE] = None
    hosts: tuple[Annotated[Text, AfterValidator(_check_host)], ...] = ()
    proxies: tuple[NetworkText, ...] = ()
    public: Flag | None = None
    events: Events = Events()
    journal: Journal = Journal()
    log: EventLog = EventLog()
    web: Web = Web()
    limits: Limits = Limits()
    tree: Flag = True
    delete: Deleting = Deleting()
    collect: Collect = Collect()
    retention: Retention = Retention()
    deployer: Deployer = Deployer()
    outgoing: Outgoing = Outgoing()

    @classmethod
    def prepare(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Unless a URL says otherwise the database is a file in the data folder."""
        database = data.get("database", {})
        if isinstance(database, Scalar):
            database = Database.expand(database)
        if not isinstance(database, dict) or not _is_absent(database.get("url")):
            return data
        return {**data, "database": {**database, "url": _file_url(data.get("data", DEFAULT_DATA))}}


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, Scalar) and value.is_null)


def _file_url(data: object) -> str:
    folder = Path(data.text if isinstance(data, Scalar) else str(data)).absolute()
    return f"sqlite:///{quote(str(folder / 'hub.sqlite3'))}"
