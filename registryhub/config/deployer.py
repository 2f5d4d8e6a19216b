"""The `hub.deployer` section: the engine that services run on, and what they may do to its host."""

from typing import Annotated

from pydantic import AfterValidator

from registryhub.config.section import Section
from registryhub.config.values import EMPTY_IS_NONE, FilePath, Flag, Text

_SCHEMES = ("unix://", "tcp://", "http://", "https://", "ssh://")


def _check_engine(url: str) -> str:
    if not url.startswith(_SCHEMES):
        raise ValueError(
            "must be the address of a Docker engine, such as unix:///var/run/docker.sock or tcp://host:2376"
        )
    return url


def _check_registry(host: str) -> str:
    if "/" in host or not host:
        raise ValueError("must be HOST or HOST:PORT, without http:// before it, such as hub.example.org:5000")
    return host


class Deployer(Section):
    """`engine` defaults to DOCKER_HOST or the local socket, `registry` to `http.host` or this machine's loopback."""

    engine: Annotated[Text | None, EMPTY_IS_NONE, AfterValidator(lambda url: url and _check_engine(url))] = None
    registry: Annotated[Text | None, EMPTY_IS_NONE, AfterValidator(lambda host: host and _check_registry(host))] = None
    binds: tuple[FilePath, ...] = ()
    host_network: Flag = False
