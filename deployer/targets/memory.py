"""The in-memory twin of a container engine: containers are rows of a dictionary, images behave as they are told to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deployer.specs import ContainerSpec
from deployer.targets.engine import Container, EngineAway, EngineRefusal, Health, RegistryAway


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a container of an image does once it is started."""

    exits_after_seconds: float | None = None
    exit_code: int = 1
    healthy_after_seconds: float | None = None
    is_unhealthy: bool = False
    refuses_to_start: str = ""
    logs: str = ""

    def health(self, seconds: float) -> Health:
        if self.is_unhealthy:
            return "unhealthy"
        if self.healthy_after_seconds is None:
            return "none"
        return "healthy" if seconds >= self.healthy_after_seconds else "starting"


@dataclass(slots=True)
class _Made:
    image: str
    spec: ContainerSpec
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    networks: frozenset[str]
    started_at: float | None = None


@dataclass(slots=True)
class MemoryEngine:
    """`images` maps digests that the registry has to what their containers do."""

    images: dict[str, Behaviour] = field(default_factory=dict)
    is_away: bool = False
    registry_is_away: bool = False
    _containers: dict[str, _Made] = field(default_factory=dict)

    def pull(self, repository: str, digest: str) -> str:
        self._check()
        if self.registry_is_away:
            raise RegistryAway("the registry does not answer the engine")
        if digest not in self.images:
            raise EngineRefusal("the image cannot be pulled: manifest unknown")
        return f"{repository}@{digest}"

    def find(self, name: str) -> Container | None:
        self._check()
        made = self._containers.get(name)
        return self._show(name, made) if made else None

    def create(
        self, name: str, *, image: str, spec: ContainerSpec, environment: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        self._check()
        if name in self._containers:
            raise EngineRefusal(f"the name {name} is in use")
        networks = frozenset(spec.networks[:1] or ("bridge",))
        self._containers[name] = _Made(image, spec, dict(environment), dict(labels), networks)

    def connect(self, name: str, network: str) -> None:
        made = self._get(name)
        made.networks |= {network}

    def rename(self, name: str, new_name: str) -> None:
        made = self._get(name)
        if new_name in self._containers:
            raise EngineRefusal(f"the name {new_name} is in use")
        del self._containers[name]
        self._containers[new_name] = made

    def start(self, name: str) -> None:
        made = self._get(name)
        if refusal := self._behaviour(made).refuses_to_start:
            raise EngineRefusal(refusal)
        taken = {port.host for other in self.running() if other != name for port in self._containers[other].spec.ports}
        for port in made.spec.ports:
            if port.host in taken:
                raise EngineRefusal(f"port {port.host} is already allocated")
        made.started_at = time.monotonic()

    def stop(self, name: str, seconds: float) -> None:
        self._get(name).started_at = None

    def remove(self, name: str) -> None:
        self._check()
        self._containers.pop(name, None)

    def read_logs(self, name: str, lines: int) -> str:
        return "\n".join(self._behaviour(self._get(name)).logs.splitlines()[-lines:])

    def close(self) -> None:
        """Nothing is open."""

    def running(self) -> dict[str, str]:
        """The images of what runs, by container."""
        shown = {name: self._show(name, made) for name, made in self._containers.items()}
        return {name: self._containers[name].image for name, container in shown.items() if container.is_running}

    def _get(self, name: str) -> _Made:
        self._check()
        if name not in self._containers:
            raise EngineRefusal(f"no such container: {name}")
        return self._containers[name]

    def _behaviour(self, made: _Made) -> Behaviour:
        return self.images.get(made.image.rpartition("@")[2], Behaviour())

    def _show(self, name: str, made: _Made) -> Container:
        behaviour = self._behaviour(made)
        shown = Container(name, made.labels, is_running=False, networks=made.networks)
        if made.started_at is None:
            return shown
        seconds = time.monotonic() - made.started_at
        if behaviour.exits_after_seconds is not None and seconds >= behaviour.exits_after_seconds:
            return replace(shown, exit_code=behaviour.exit_code)
        return replace(shown, is_running=True, health=behaviour.health(seconds))

    def _check(self) -> None:
        if self.is_away:
            raise EngineAway("the engine does not answer")
