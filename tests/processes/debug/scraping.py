"""Asking the debug server in-process, and reading what it says as Prometheus would."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from registryhub.config.load import load_config
from registryhub.processes.debug.app import WsgiApp, build_app


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def new_app(**variables: str) -> WsgiApp:
    """The server's application, with metrics unless the variables say otherwise."""
    environ = {"HUB_DATA": "/data", "REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED": "true", **variables}
    return build_app(load_config(None, environ))


def ask(app: WsgiApp, path: str, method: str = "GET") -> Reply:
    """One request, without a server."""
    started: list[Any] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    body = b"".join(app(environ, lambda status, headers: started.extend((status, headers))))
    return Reply(int(started[0].split()[0]), dict(started[1]), body)


def scrape(app: WsgiApp) -> dict[str, Metric]:
    """The metric families of a new scrape by their names."""
    return families(ask(app, "/metrics").body.decode())


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(found: Mapping[str, Metric], sample: str, **labels: str) -> float:
    """Of the one sample with this name and these labels. Raises KeyError without it."""
    for each in _samples(found.values()):
        if each[0] == sample and each[1] == labels:
            return each[2]
    raise KeyError((sample, labels))


def counters(found: Mapping[str, Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a counter."""
    kind = [family for family in found.values() if family.type == "counter"]
    return {(name, tuple(sorted(labels.items()))): number for name, labels, number in _samples(kind)}


def _samples(found: Iterable[Metric]) -> Iterable[tuple[str, Mapping[str, str], float]]:
    return [(each.name, each.labels, each.value) for family in found for each in family.samples]
