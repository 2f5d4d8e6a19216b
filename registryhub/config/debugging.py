"""The second address, for operators: what the hub says about itself, without a login."""

from typing import Annotated

from pydantic import AfterValidator

from registryhub.config.addresses import Address, is_loopback, split_address
from registryhub.config.section import Section
from registryhub.config.values import EMPTY_IS_NONE, Flag, Text


def _check_path(path: str) -> str:
    if not path.startswith("/") or path.startswith("/debug/") or any(letter in path for letter in "?# "):
        raise ValueError("must be a plain path that begins with / and not with /debug/, such as /metrics")
    return path


class Prometheus(Section):
    """Whether Prometheus finds metrics there, and by which path."""

    enabled: Flag = False
    path: Annotated[Text, AfterValidator(_check_path)] = "/metrics"


class Debug(Section):
    """Where operators and their tools look. Nothing listens unless `addr` is set."""

    addr: Annotated[Address | None, EMPTY_IS_NONE] = None
    prometheus: Prometheus = Prometheus()

    @property
    def listen(self) -> tuple[str, int] | None:
        """Host and port; without a host that is `0.0.0.0`."""
        return split_address(self.addr) if self.addr else None

    @property
    def is_open(self) -> bool:
        """Whether others than this machine reach it."""
        return self.listen is not None and not is_loopback(self.listen[0])
