"""The settings of a service for people to read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from deployer.definitions import header_names
from deployer.models import Service
from deployer.specs import BadSettings, CallSpec, ContainerSpec, read_call, read_container


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and its values, a line each."""

    label: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Description:
    """The settings as they are understood; or what is wrong with them by now, and how they stand there."""

    settings: Sequence[Setting] = ()
    problems: Mapping[str, str] | None = None
    raw: str = ""


def describe_settings(service: Service) -> Description:
    """Of headers and variables there are only names: their values may be passwords."""
    try:
        if service.kind == Service.Kind.CALL:
            return Description(_call(read_call(service.settings), header_names(service)))
        return Description(_container(read_container(service.settings, settings.HUB.hub.deployer)))
    except BadSettings as error:
        is_call = service.kind == Service.Kind.CALL
        raw = "" if is_call else json.dumps(service.settings, indent=2, ensure_ascii=False)
        return Description(problems=error.problems, raw=raw)


def _container(spec: ContainerSpec) -> list[Setting]:
    """What is not set is not told."""
    rows: list[Setting] = [
        Setting("Ports", [str(port) for port in spec.ports]),
        Setting("Mounts", [str(mount) for mount in spec.mounts]),
        Setting("Networks", spec.networks),
        Setting("Command", [" ".join(spec.command)] if spec.command else []),
        Setting("User", [spec.user] if spec.user else []),
        Setting("Host name", [spec.hostname] if spec.hostname else []),
        Setting("Labels", [f"{name}={value}" for name, value in spec.labels.items()]),
        Setting("Restart", [spec.restart]),
        Setting("Health check", _health(spec)),
        Setting("Replacing", [_replacing(spec)]),
    ]
    return [row for row in rows if row.values]


def _health(spec: ContainerSpec) -> list[str]:
    if spec.health is None:
        return [f"that of the image; without one it must run for {spec.running_seconds:g} s"]
    command = spec.health.command if isinstance(spec.health.command, str) else " ".join(spec.health.command)
    return [command, f"every {spec.health.interval_seconds:g} s, well within {spec.healthy_seconds:g} s"]


def _replacing(spec: ContainerSpec) -> str:
    order = "the old one stops before the new one starts" if spec.stops_first else "the new one starts first"
    return f"{order}; {spec.stop_seconds:g} s to stop"


def _call(spec: CallSpec, headers: Sequence[str]) -> list[Setting]:
    rows = [
        Setting("URL", [spec.url]),
        Setting("Headers", headers),
        Setting("Timeout", [f"{spec.timeout_seconds:g} s"]),
    ]
    return [row for row in rows if row.values]
