"""The hub itself as a server of the tests: `python manage.py serve` on a free port and a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from tests.servers.databases import FILE, OWN_VARIABLES, PASSWORD, ROOT, Databases
from tests.servers.ports import free_port
from tests.servers.proc import Process, descendants
from tests.servers.server import Server, wait_until
from tests.wire import Reply, Wire

ADMIN = "admin"


class CommandError(AssertionError):
    """A `manage.py` command failed; the message is what it printed."""


class ApiError(AssertionError):
    """The REST API answered with a status that is no success."""


class Hub(Server):
    """A hub with data in `folder`, started by `config.yml` as a user would; `config` is merged over the least one.

    `get` and `log_status` ask its REST API as the administrator; `command` runs `manage.py` beside it.
    """

    ready_seconds = 60.0
    stop_seconds = 40.0

    def __init__(
        self,
        folder: Path,
        databases: Databases,
        *,
        config: Mapping[str, Any] | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        super().__init__("hub", folder)
        self.databases = databases
        self.arguments = arguments
        self.port = free_port()
        self.config = _merged(
            {
                "version": "0.1",
                "log": {"level": "info"},
                "storage": {"delete": {"enabled": True}, "filesystem": {"rootdirectory": str(folder / "blobs")}},
                "http": {"addr": f"127.0.0.1:{self.port}"},
            },
            config or {},
        )
        self._token = databases.token

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def blob_folder(self) -> Path:
        """The root of the storage driver."""
        return Path(self.config["storage"]["filesystem"]["rootdirectory"])

    @property
    def config_file(self) -> Path:
        return self.folder / "config.yml"

    def prepare(self) -> None:
        super().prepare()
        self.config_file.write_text(yaml.safe_dump(self.config))
        furnished, file = self.databases.furnished, self.folder / "data" / FILE
        if furnished and not file.exists():
            file.parent.mkdir(exist_ok=True)
            shutil.copyfile(furnished, file)

    def argv(self) -> list[str]:
        migrate = ("--migrate",) if self.databases.postgres_url else ()
        return [sys.executable, "manage.py", "serve", str(self.config_file), *migrate, *self.arguments]

    def environment(self) -> dict[str, str]:
        """The caller's, without whatever would configure a hub, and with this hub's."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        return {
            **inherited,
            **self.databases.environment(),
            "HUB_DATA": str(self.folder / "data"),
            "HUB_ADMIN_PASSWORD": PASSWORD,
            "PYTHONUNBUFFERED": "1",
        }

    def working_folder(self) -> Path:
        return ROOT

    def is_ready(self) -> bool:
        with self.wire() as wire:
            return wire.request("GET", "/readyz").status == 200

    def wire(self, **headers: str) -> Wire:
        """A new connection."""
        return Wire(self.port, headers=headers)

    def command(self, *arguments: str) -> str:
        """Run `manage.py` on this hub's configuration and return what it printed. Raises CommandError."""
        return self._run("manage.py", *arguments)

    def module(self, name: str, *arguments: str, timeout_seconds: float = 120) -> str:
        """The same for a module of the tests that measures from inside."""
        return self._run("-m", name, *arguments, timeout_seconds=timeout_seconds)

    def _run(self, *arguments: str, timeout_seconds: float = 120) -> str:
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**self.environment(), "REGISTRYHUB_CONFIG": str(self.config_file)},
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        if result.returncode != 0:
            raise CommandError(f"{' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")
        return result.stdout.strip()

    def create_source(self, name: str) -> str:
        """The bearer token of a new source of events."""
        return self.command("create_source", name).split()[-1]

    @property
    def token(self) -> str:
        """The administrator's API token; made when first asked for, where the databases came without."""
        if self._token is None:
            self._token = self.command("create_token", ADMIN).split()[-1]
        return self._token

    def ask(self, path: str, **parameters: str | int) -> Reply:
        """GET of the REST API as the administrator, whatever it answers."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        with closing(self.wire(Authorization=f"Bearer {self.token}")) as wire:
            return wire.request("GET", f"{path}{query}")

    def get(self, path: str, **parameters: str | int) -> Any:
        """The JSON of a GET. Raises ApiError."""
        reply = self.ask(path, **parameters)
        if reply.status != 200:
            raise ApiError(f"GET {path} {parameters}: {reply.status} {reply.body[:500]!r}")
        return reply.json()

    def act(self, method: str, path: str, document: object = None) -> Any:
        """The JSON of a POST, PATCH or DELETE of the REST API as the administrator. Raises ApiError."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = json.dumps(document).encode() if document is not None else b""
        with closing(self.wire(**headers)) as wire:
            reply = wire.request(method, path, body=body)
        if not 200 <= reply.status < 300:
            raise ApiError(f"{method} {path}: {reply.status} {reply.body[:500]!r}")
        return reply.json() if reply.body else None

    def repository(self, name: str, source: str | None = None) -> dict[str, Any]:
        """Its counters; all zero while nobody has heard of it."""
        chosen = {"source": source} if source else {}
        reply = self.ask(f"/api/v1/repositories/{quote(name)}", **chosen)
        if reply.status == 404:
            return {"name": name, "pulls": 0, "pushes": 0, "checks": 0}
        if reply.status != 200:
            raise ApiError(f"repository {name}: {reply.status} {reply.body[:500]!r}")
        found: dict[str, Any] = reply.json()
        return found

    def log_status(self) -> dict[str, Any]:
        """`head`, `intake` and `consumers` with the position and lag of each."""
        status: dict[str, Any] = self.get("/api/v1/log")
        return status

    def is_drained(self) -> bool:
        """Whether every event that came in so far is in the log and every consumer has dealt with it."""
        status = self.log_status()
        waits = status["journal"]["bytes"] or status["intake"]
        return not waits and all(consumer["lag"] == 0 for consumer in status["consumers"])

    def wait_until_drained(self, timeout_seconds: float = 30.0) -> None:
        """Raises AssertionError with the state of the log after the timeout."""
        if not wait_until(self.is_drained, timeout_seconds, 0.1):
            raise AssertionError(f"the log was not worked off within {timeout_seconds:g} s: {self.log_status()}")

    def events(self, page: int = 1000, **filters: str | int) -> Iterator[dict[str, Any]]:
        """All events of the log in its order, page by page: wire events with their `seq` and `source`."""
        after: int | None = 0
        while after is not None:
            found = self.get("/api/v1/events", after=after, limit=page, **filters)
            for row in found["events"]:
                yield {**row["event"], "seq": row["seq"], "source": row["source"]}
            after = found["next"]

    def processes(self, role: str) -> list[Process]:
        """The children of the supervisor that play the role (`web`, `ship`, `relay` or `worker`)."""
        return [process for process in self.tree() if process.parent == self.pid and role in process.argv]

    def web_workers(self) -> list[Process]:
        """The processes that answer requests, below Granian's main."""
        return [process for main in self.processes("web") for process in descendants(main.pid)]


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
