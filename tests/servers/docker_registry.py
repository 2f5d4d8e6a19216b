"""Debian's docker-registry (CNCF Distribution 2.8): the peer of the benchmarks and a sender of envelopes."""

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.servers.peers import find_peer
from tests.servers.ports import free_port
from tests.servers.server import Server


class DockerRegistry(Server):
    """On a free port of 127.0.0.1, its data in `folder`.

    `endpoints` is the list of `notifications.endpoints` as its `config.yml` has it, `htpasswd` a file of bcrypt
    hashes. Access logs are off, as they are in the hub.
    """

    def __init__(
        self, folder: Path, *, endpoints: Sequence[Mapping[str, Any]] = (), htpasswd: Path | None = None
    ) -> None:
        super().__init__("docker-registry", folder)
        self.endpoints = endpoints
        self.htpasswd = htpasswd
        self.port = free_port()
        self.debug_port = free_port()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def blob_folder(self) -> Path:
        """The root of the storage driver."""
        return self.folder / "data"

    def prepare(self) -> None:
        super().prepare()
        config: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.blob_folder)},
                "delete": {"enabled": True},
                "cache": {"blobdescriptor": "inmemory"},
            },
            "http": {"addr": self.host, "debug": {"addr": f"127.0.0.1:{self.debug_port}"}},
            "notifications": {"endpoints": [dict(endpoint) for endpoint in self.endpoints]},
        }
        if self.htpasswd:
            config["auth"] = {"htpasswd": {"realm": "peer", "path": str(self.htpasswd)}}
        (self.folder / "config.yml").write_text(yaml.safe_dump(config))

    def argv(self) -> list[str]:
        return [find_peer("docker-registry"), "serve", str(self.folder / "config.yml")]

    def is_ready(self) -> bool:
        return _get(self.port, "/v2/")[0] in (200, 401)

    def pending_events(self) -> int:
        """How many events wait for their endpoints, the ones being sent included."""
        variables = json.loads(_get(self.debug_port, "/debug/vars")[1])
        endpoints = variables["registry"]["notifications"]["endpoints"] or []
        return sum(int(endpoint["Metrics"]["Pending"]) for endpoint in endpoints)


def endpoint(
    name: str, url: str, *, headers: Mapping[str, str] | None = None, threshold: int = 1, backoff: str = "100ms"
) -> dict[str, Any]:
    """One of `notifications.endpoints`, as both servers read it."""
    lists = {key: [value] for key, value in (headers or {}).items()}
    return {
        "name": name,
        "url": url,
        "headers": lists,
        "timeout": "5s",
        "threshold": threshold,
        "backoff": backoff,
    }


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
