"""The web processes alone, without relay and worker: the data plane as Granian serves it."""

import sys
from pathlib import Path

from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.proc import Process, descendants


class Web(Hub):
    """One web worker."""

    def __init__(self, folder: Path, databases: Databases, *, threads: int = 32) -> None:
        super().__init__(folder, databases, config={"hub": {"web": {"workers": 1, "threads": threads}}})

    def argv(self) -> list[str]:
        return [sys.executable, "manage.py", "web"]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "REGISTRYHUB_CONFIG": str(self.config_file)}

    def is_ready(self) -> bool:
        with self.wire() as wire:
            return wire.request("GET", "/v2/").status == 200

    def workers(self) -> list[Process]:
        """The processes that answer requests."""
        return descendants(self.pid)
