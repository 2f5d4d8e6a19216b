"""The whole configuration as one typed, frozen `Config`; `notifications` and `hub` have files of their own.

To serve another section of the reference: write its class, give it a field here, and remove its rows in `unserved`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr

from registryhub.config.addresses import Address, BaseUrl, Prefix, is_loopback, split_address
from registryhub.config.debugging import Debug
from registryhub.config.document import Node, Scalar, Table
from registryhub.config.errors import Problem
from registryhub.config.headers import AnswerHeaders, check_header_value
from registryhub.config.hub import Hub
from registryhub.config.notifications import Notifications
from registryhub.config.registry import Catalog, Maintenance, Policy, Tags, Validation
from registryhub.config.section import Section
from registryhub.config.values import CHOICE, EMPTY_IS_NONE, FilePath, Flag, Secret, Text

VERSION = "0.1"
DEFAULT_ADDRESS = "127.0.0.1:5000"


def _check_version(text: str) -> str:
    if text != VERSION:
        raise ValueError(f"is no version this server reads; write version: {VERSION}")
    return text


class Log(Section):
    """What is logged."""

    level: Annotated[Literal["error", "warn", "info", "debug"], CHOICE] = "info"


class Filesystem(Section):
    """The driver that keeps everything in files below one folder."""

    rootdirectory: FilePath = Path("/var/lib/registry")


class Delete(Section):
    """Whether clients may delete manifests and blobs."""

    enabled: Flag = False


class Storage(Section):
    """Where the bytes are: exactly one driver."""

    named_by_text: ClassVar[bool] = True

    filesystem: Filesystem | None = None
    delete: Delete = Delete()
    maintenance: Maintenance = Maintenance()

    @property
    def driver(self) -> Filesystem:
        """The parameters of the one driver; their type tells which it is."""
        if self.filesystem is None:
            raise LookupError("this configuration was not loaded by load_config, which refuses one without a driver")
        return self.filesystem


class Http(Section):
    """How the registry is reached."""

    addr: Address = DEFAULT_ADDRESS
    prefix: Prefix = "/"
    host: Annotated[BaseUrl | None, EMPTY_IS_NONE] = None
    secret: Annotated[Secret | None, EMPTY_IS_NONE] = None
    relativeurls: Flag = False
    headers: AnswerHeaders = {}
    debug: Debug = Debug()

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of `addr`; without a host that is `0.0.0.0`."""
        return split_address(self.addr)


def _check_realm(realm: str) -> str:
    if not realm:
        raise ValueError("is empty; write the name that password prompts show, such as Registry")
    return check_header_value(realm)


def _check_file(path: Path) -> Path:
    if path.is_dir():
        raise ValueError(f"is a folder; name the file itself, such as {path / 'htpasswd'}")
    return path


class Htpasswd(Section):
    """A file of names and bcrypt hashes."""

    realm: Annotated[Text, AfterValidator(_check_realm)]
    path: Annotated[FilePath, AfterValidator(_check_file)]


class Auth(Section):
    """Who may use the registry: at most one type."""

    named_by_text: ClassVar[bool] = True

    htpasswd: Htpasswd | None = None

    @classmethod
    def expand(cls, scalar: Scalar) -> Node:
        """`auth: none` is written for a registry that is open to all."""
        return Table(scalar.origin) if scalar.text == "none" else super().expand(scalar)

    @classmethod
    def prepare(cls, data: dict[str, Any]) -> dict[str, Any]:
        """The reference reads the mapping `{none: }` like the text."""
        return {key: value for key, value in data.items() if key != "none"}


def _open_is_none(auth: Auth | None) -> Auth | None:
    return auth if auth and auth.htpasswd else None


class Config(Section):
    """Everything that `config.yml` and the environment say."""

    version: Annotated[Text, AfterValidator(_check_version)]
    log: Log = Log()
    storage: Storage
    http: Http = Http()
    auth: Annotated[Auth | None, AfterValidator(_open_is_none)] = None
    catalog: Catalog = Catalog()
    tags: Tags = Tags()
    validation: Validation = Validation()
    policy: Policy = Policy()
    notifications: Notifications = Notifications()
    hub: Hub = Field(default_factory=lambda: Hub.model_validate({}))

    _warnings: tuple[Problem, ...] = PrivateAttr(default=())

    def with_warnings(self, warnings: Iterable[Problem]) -> Self:
        """The same configuration with other warnings."""
        config = self.model_copy()
        config._warnings = tuple(warnings)
        return config

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is accepted but probably not meant."""
        return self._warnings

    @property
    def registry_for_engine(self) -> str:
        """Host and port by which a container engine reaches the registry."""
        if self.hub.deployer.registry:
            return self.hub.deployer.registry
        if self.http.host:
            return urlsplit(self.http.host).netloc
        return f"127.0.0.1:{self.http.listen[1]}"

    @property
    def is_open(self) -> bool:
        """Whether others than this machine reach the registry, and none of them must sign in."""
        return self.auth is None and not is_loopback(self.http.listen[0])

    @property
    def repositories_public(self) -> bool:
        """Whether new repositories are public: as `hub.public` says, else when nobody has to sign in."""
        return self.auth is None if self.hub.public is None else self.hub.public

    @property
    def database_url(self) -> str:
        """The whole URL of the database, with its password."""
        return self.hub.database.url.get_secret_value()

    @property
    def redis_url(self) -> str | None:
        """The whole URL of Redis, with its password; None without Redis."""
        return self.hub.redis.url.get_secret_value() if self.hub.redis.url else None
