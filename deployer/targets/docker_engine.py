"""A Docker engine through the Docker SDK."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from deployer.specs import ContainerSpec, HealthCheck
from deployer.targets.engine import Container, EngineAway, EngineRefusal, Health, RegistryAway

_TIMEOUT_SECONDS = 120
_NANOSECONDS = 1_000_000_000
_DEFAULT_ENGINE = "unix:///var/run/docker.sock"
# How an engine speaks of a registry that does not answer, or asks to come again; all else it says of one is final.
_AWAY = ("connection refused", "timeout", "timed out", "no such host", "connection reset", "eof", "unreachable")
_AGAIN = (
    "500 internal",
    "502 bad",
    "503 service",
    "504 gateway",
    "toomanyrequests",
    "too many requests",
    "unavailable",
)


@dataclass(frozen=True, slots=True, repr=False)
class Registry:
    """Where the engine finds the hub, and as whom."""

    host: str
    username: str
    password: str


class DockerEngine:
    """`label` is the user agent of the engine's requests to the registry, among its own words."""

    def __init__(self, url: str | None, registry: Registry, label: str) -> None:
        self._url = url
        self._registry = registry
        self._label = label

    @cached_property
    def _client(self) -> docker.APIClient:
        """Asks the engine for its version, so it is made by the first verb."""
        return docker.APIClient(**_place(self._url), timeout=_TIMEOUT_SECONDS, user_agent=self._label)

    def pull(self, repository: str, digest: str) -> str:
        name = f"{self._registry.host}/{repository}"
        login = {"username": self._registry.username, "password": self._registry.password}
        with _answering():
            try:
                # What it does it says in lines of JSON; an error on the way is one of them.
                for line in self._client.pull(name, tag=digest, stream=True, decode=True, auth_config=login):
                    if "error" in line:
                        raise _pull_error(str(line["error"]))
            except APIError as error:
                raise _pull_error(_explain(error)) from error
        return f"{name}@{digest}"

    def find(self, name: str) -> Container | None:
        with _answering():
            try:
                found = self._client.inspect_container(name)
            except NotFound:
                return None
        # An engine finds containers by the beginning of their id, too.
        return _container(found) if found["Name"] == f"/{name}" else None

    def create(
        self, name: str, *, image: str, spec: ContainerSpec, environment: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        with _answering():
            host_config = self._client.create_host_config(
                port_bindings=_bindings(spec),
                binds=[str(mount) for mount in spec.mounts],
                restart_policy={"Name": spec.restart},
                network_mode=spec.networks[0] if spec.networks else None,
            )
            self._client.create_container(
                image,
                command=list(spec.command) or None,
                name=name,
                environment=dict(environment),
                labels=dict(labels),
                ports=[(port.inside, port.kind) for port in spec.ports] or None,
                host_config=host_config,
                healthcheck=_health_check(spec.health),
                user=spec.user or None,
                hostname=spec.hostname or None,
                stop_timeout=max(1, round(spec.stop_seconds)),
            )

    def connect(self, name: str, network: str) -> None:
        with _answering():
            self._client.connect_container_to_network(name, network)

    def rename(self, name: str, new_name: str) -> None:
        with _answering():
            self._client.rename(name, new_name)

    def start(self, name: str) -> None:
        with _answering():
            self._client.start(name)

    def stop(self, name: str, seconds: float) -> None:
        with _answering():
            self._client.stop(name, timeout=max(1, round(seconds)))

    def remove(self, name: str) -> None:
        with _answering():
            try:
                self._client.remove_container(name, force=True)
            except NotFound:
                return

    def read_logs(self, name: str, lines: int) -> str:
        with _answering():
            output = self._client.logs(name, stdout=True, stderr=True, tail=lines)
        return bytes(output).decode(errors="replace")

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()


def _place(url: str | None) -> dict[str, Any]:
    """From the configuration, else from DOCKER_HOST and its relatives as the docker command reads them."""
    if url:
        return {"base_url": url, "version": "auto"}
    found = kwargs_from_env(environment=dict(os.environ))
    return {"base_url": _DEFAULT_ENGINE, **found, "version": "auto"}


@contextmanager
def _answering() -> Iterator[None]:
    """What the SDK and the HTTP client below it raise, as the two kinds that the steps know."""
    try:
        yield
    except APIError as error:
        raise EngineRefusal(_explain(error)) from error
    except (requests.exceptions.RequestException, DockerException, OSError) as error:
        raise EngineAway(f"the Docker engine does not answer: {_innermost(error)}") from error


def _explain(error: APIError) -> str:
    return str(error.explanation or error)


def _innermost(error: BaseException) -> str:
    """What the system said, below what two libraries made of it."""
    said = str(error)
    below: BaseException | None = error
    while below is not None:
        said = getattr(below, "strerror", None) or said
        below = below.__context__
    return said


def _pull_error(text: str) -> Exception:
    if any(word in text.lower() for word in (*_AWAY, *_AGAIN)):
        return RegistryAway(f"the registry does not answer the engine: {text}")
    return EngineRefusal(f"the image cannot be pulled: {text}")


def _container(found: Mapping[str, Any]) -> Container:
    state = found["State"]
    check = state.get("Health") or {}
    health: Health = check.get("Status") or "none"
    last = (check.get("Log") or [{}])[-1]
    return Container(
        name=found["Name"].removeprefix("/"),
        labels=found["Config"].get("Labels") or {},
        is_running=bool(state["Running"]),
        exit_code=state.get("ExitCode", 0),
        restarts=found.get("RestartCount", 0),
        health=health,
        health_output=str(last.get("Output", "")).strip()[:500],
        error=state.get("Error", ""),
        networks=frozenset(found["NetworkSettings"].get("Networks") or ()),
    )


def _bindings(spec: ContainerSpec) -> dict[int | str, list[tuple[str, int]]]:
    bindings: dict[int | str, list[tuple[str, int]]] = {}
    for port in spec.ports:
        bindings.setdefault(f"{port.inside}/{port.kind}", []).append((port.address, port.host))
    return bindings


def _health_check(check: HealthCheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    command = ["CMD-SHELL", check.command] if isinstance(check.command, str) else ["CMD", *check.command]
    return {
        "test": command,
        "interval": round(check.interval_seconds * _NANOSECONDS),
        "timeout": round(check.timeout_seconds * _NANOSECONDS),
        "retries": check.retries,
        "start_period": round(check.start_seconds * _NANOSECONDS),
    }
