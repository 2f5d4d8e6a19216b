"""The two sides of a comparison, with one face: the hub and Debian's docker-registry."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.bench.measure import Measured, Plan, say
from tests.servers.databases import fresh_databases
from tests.servers.docker_registry import DockerRegistry, endpoint
from tests.servers.hub import Hub
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.wire import Wire


class Side(Protocol):
    """A registry under measurement. `settle` waits until it is at rest, so that the other side has the machine."""

    name: str
    port: int
    headers: dict[str, str]

    @property
    def server(self) -> Hub | DockerRegistry: ...

    def settle(self) -> None: ...

    def queued_events(self) -> int:
        """How many events wait for the webhook."""
        ...

    def samples(self, measured: Measured) -> list[float]:
        """Where this side's numbers go."""
        ...


class PeerSide:
    """docker-registry does nothing in the background but send webhooks."""

    name = "docker-registry"

    def __init__(self, server: DockerRegistry, headers: dict[str, str]) -> None:
        self.server = server
        self.port = server.port
        self.headers = headers

    def settle(self) -> None:
        wait_until(lambda: self.queued_events() == 0, 60, 0.1)

    def queued_events(self) -> int:
        return self.server.pending_events()

    def samples(self, measured: Measured) -> list[float]:
        return measured.beside


class HubSide:
    """The hub is at rest when its log is worked off."""

    name = "hub"

    def __init__(self, server: Hub, headers: dict[str, str]) -> None:
        self.server = server
        self.port = server.port
        self.headers = headers

    def settle(self) -> None:
        self.server.wait_until_drained(120)

    def queued_events(self) -> int:
        return max((consumer["lag"] for consumer in self.server.log_status()["consumers"]), default=0)

    def samples(self, measured: Measured) -> list[float]:
        return measured.hub


def open_wire(side: Side) -> Wire:
    return Wire(side.port, timeout_seconds=120, headers=side.headers)


@contextmanager
def two_sides(
    plan: Plan,
    *,
    webhook_url: str | None = None,
    hub_webhook: Mapping[str, Any] | None = None,
    htpasswd: Path | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[list[Side]]:
    """Both servers, fresh and at rest; the peer alone when the plan has no hub. The hub comes first.

    `hub_webhook` are keys of the hub's endpoint that the peer does not know.
    """
    endpoints = [endpoint("bench", webhook_url)] if webhook_url else []
    with ExitStack() as stack:
        sides: list[Side] = []
        if plan.with_hub:
            own = [{**each, **(hub_webhook or {})} for each in endpoints]
            config: dict[str, Any] = {"notifications": {"endpoints": own}} if own else {}
            if htpasswd:
                config["auth"] = {"htpasswd": {"realm": "hub", "path": str(htpasswd)}}
            sides.append(HubSide(stack.enter_context(start_hub(plan, config)), dict(headers or {})))
        peer = DockerRegistry(new_folder("peer"), endpoints=endpoints, htpasswd=htpasswd)
        sides.append(PeerSide(stack.enter_context(peer), dict(headers or {})))
        yield sides


@contextmanager
def start_hub(plan: Plan, config: Mapping[str, Any] | None = None) -> Iterator[Hub]:
    """A fresh hub at rest, on the plan's databases."""
    quiet = {"log": {"level": "error"}, **(config or {})}
    with Hub(new_folder("hub"), fresh_databases(plan.servers), config=quiet) as hub:
        say(f"  hub on port {hub.port}, token {'made' if hub.token else 'missing'}")
        hub.wait_until_drained(60)
        yield hub
