"""What the container target needs of a container engine: a dozen verbs, with an in-memory twin in `memory`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployer.specs import ContainerSpec

Health = Literal["none", "starting", "healthy", "unhealthy"]


class EngineAway(Exception):
    """The engine does not answer."""


class EngineRefusal(Exception):
    """The engine answers that it cannot or will not; the message is its reason."""


class RegistryAway(Exception):
    """The engine could not reach the registry, or was told to come again."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine shows it. `restarts` counts those by its restart policy."""

    name: str
    labels: Mapping[str, str]
    is_running: bool
    exit_code: int = 0
    restarts: int = 0
    health: Health = "none"
    health_output: str = ""
    error: str = ""
    networks: frozenset[str] = field(default_factory=frozenset)


class Engine(Protocol):
    """Every verb raises EngineAway and EngineRefusal; names are those of containers."""

    def pull(self, repository: str, digest: str) -> str:
        """Fetch an image of the hub and return the name to create containers by. Raises RegistryAway too."""
        ...

    def find(self, name: str) -> Container | None: ...

    def create(
        self, name: str, *, image: str, spec: ContainerSpec, environment: Mapping[str, str], labels: Mapping[str, str]
    ) -> None: ...

    def connect(self, name: str, network: str) -> None: ...

    def rename(self, name: str, new_name: str) -> None: ...

    def start(self, name: str) -> None: ...

    def stop(self, name: str, seconds: float) -> None:
        """Ask it to end, and kill it after so many seconds."""
        ...

    def remove(self, name: str) -> None:
        """Kill and delete it with its anonymous volumes left alone; nothing when there is none."""
        ...

    def read_logs(self, name: str, lines: int) -> str:
        """How its log ends."""
        ...

    def close(self) -> None: ...
