"""What a service is made of, parsed from its settings: short texts as in a compose file, and errors that name the mend.

Whoever can define a container can become root on its host. Host folders and the host's network are only for services
that the configuration allows them to (`hub.deployer`), and there is no privileged mode.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from registryhub.config.deployer import Deployer

_PORT = re.compile(
    r"(?:(?P<ip>[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?P<host>[0-9]{1,5}):(?P<inside>[0-9]{1,5})(?:/(?P<kind>tcp|udp))?"
)
_MOUNT = re.compile(r"(?P<what>[^:]+):(?P<inside>/[^:]*)(?::(?P<mode>ro|rw))?")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_NETWORK = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
HOST = "host"


class BadSettings(ValueError):
    """The settings of a service are wrong; `problems` maps a key to what is wrong with it and the mend."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the host that leads into the container."""

    address: str
    host: int
    inside: int
    kind: str

    def __str__(self) -> str:
        return f"{f'[{self.address}]' if ':' in self.address else self.address}:{self.host}:{self.inside}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A named volume, or a folder of the host, in the container."""

    what: str
    inside: str
    is_read_only: bool

    @property
    def is_bind(self) -> bool:
        return self.what.startswith("/")

    def __str__(self) -> str:
        return f"{self.what}:{self.inside}:{'ro' if self.is_read_only else 'rw'}"


def _read_port(value: object) -> object:
    if isinstance(value, Port):
        return value
    found = _PORT.fullmatch(value) if isinstance(value, str) else None
    if found is None or not all(0 < int(found[name]) < 65536 for name in ("host", "inside")):
        raise ValueError("write HOST:CONTAINER, such as 8080:80, 127.0.0.1:8080:80 or 53:53/udp")
    return Port(
        (found["ip"] or "127.0.0.1").strip("[]"), int(found["host"]), int(found["inside"]), found["kind"] or "tcp"
    )


def _read_mount(value: object) -> object:
    if isinstance(value, Mount):
        return value
    found = _MOUNT.fullmatch(value) if isinstance(value, str) else None
    if found is None or not (found["what"].startswith("/") or _VOLUME.fullmatch(found["what"])):
        raise ValueError("write VOLUME:/path or /folder/of/the/host:/path, with :ro behind it to forbid writing")
    what = str(PurePosixPath(found["what"])) if found["what"].startswith("/") else found["what"]
    if ".." in PurePosixPath(what).parts:
        raise ValueError("must not hold ..")
    return Mount(what, found["inside"], found["mode"] == "ro")


def _read_network(value: object) -> object:
    if not isinstance(value, str) or not _NETWORK.fullmatch(value):
        raise ValueError("must be the name of a network of the engine, or host or none")
    return value


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)


Spec = TypeVar("Spec", bound=_Settings)
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class HealthCheck(_Settings):
    """A command inside the container that ends with 0 while it is well; replaces that of the image."""

    command: str | tuple[str, ...]
    interval_seconds: Seconds = 2.0
    timeout_seconds: Seconds = 5.0
    retries: Annotated[int, Field(ge=1, le=1000)] = 3
    start_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0


class ContainerSpec(_Settings):
    """A container. `networks` beyond the first are connected one by one; without any it has the engine's default."""

    command: tuple[str, ...] = ()
    ports: tuple[Annotated[Port, BeforeValidator(_read_port), PlainSerializer(str)], ...] = ()
    mounts: tuple[Annotated[Mount, BeforeValidator(_read_mount), PlainSerializer(str)], ...] = ()
    networks: tuple[Annotated[str, BeforeValidator(_read_network)], ...] = ()
    labels: dict[str, str] = {}
    user: str = ""
    hostname: str = ""
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "unless-stopped"
    health: HealthCheck | None = None
    order: Literal["stop-first", "start-first"] = "stop-first"
    running_seconds: Seconds = 5.0
    healthy_seconds: Seconds = 120.0
    stop_seconds: Seconds = 10.0

    @property
    def stops_first(self) -> bool:
        """Whether the old container ends before the new one starts: seconds without either, but never both at once."""
        return self.order == "stop-first"

    @model_validator(mode="after")
    def _check(self) -> "ContainerSpec":
        if self.order == "start-first" and (self.ports or HOST in self.networks):
            raise ValueError("order: start-first cannot go with ports of the host, which only one container can hold")
        if len(self.networks) > 1 and {HOST, "none"} & set(self.networks):
            raise ValueError("networks: host and none stand alone")
        return self


class CallSpec(_Settings):
    """A signed POST to a URL, which deploys by itself. Any 2xx means that it has taken it over."""

    url: str
    timeout_seconds: Seconds = 30.0
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _check(self) -> "CallSpec":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("url: must be an http:// or https:// URL without a password in it")
        return self


def read_container(settings: Mapping[str, Any], allowed: Deployer) -> ContainerSpec:
    """The spec of a container, if the configuration allows all of it. Raises BadSettings."""
    spec = _read(ContainerSpec, settings)
    problems: dict[str, str] = {}
    for mount in spec.mounts:
        if mount.is_bind and not any(PurePosixPath(mount.what).is_relative_to(folder) for folder in allowed.binds):
            problems["mounts"] = f"{mount.what} is not below a folder of hub.deployer.binds in the configuration"
    if HOST in spec.networks and not allowed.host_network:
        problems["networks"] = "the host's network needs hub.deployer.host_network: true in the configuration"
    if problems:
        raise BadSettings(problems)
    return spec


def read_call(settings: Mapping[str, Any]) -> CallSpec:
    """The spec of an HTTP call. Raises BadSettings."""
    return _read(CallSpec, settings)


def read_environment(values: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a container. Raises BadSettings; the message repeats no value."""
    for name, value in values.items():
        if not _VARIABLE.fullmatch(name):
            raise BadSettings({"environment": f"{name!r} is no name of a variable"})
        if not isinstance(value, str) or "\0" in value:
            raise BadSettings({"environment": f"{name} must be text; put it in quotes"})
    return dict(values)


def _read(kind: type[Spec], settings: Mapping[str, Any]) -> Spec:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise BadSettings(
            {".".join(map(str, each["loc"])) or "settings": _mend(each["type"], each["msg"]) for each in error.errors()}
        ) from None


def _mend(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not known; see docs/deployer.md for the settings there are"
    return message.removeprefix("Value error, ")
