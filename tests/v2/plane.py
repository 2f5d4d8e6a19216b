"""The real data plane, called the way a server calls it: through WSGI."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from django.conf import settings

from registryhub.access.gate import Gate, OpenGate
from registryhub.config.model import Config
from registryhub.storage.base import StorageDriver
from registryhub.storage.filesystem import FilesystemDriver
from registryhub.v2.app import WsgiApp, build_app
from registryhub.v2.hub import build_hub
from tests.registry.stage import changed


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case; several of one name are joined by a comma."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """Of the first error."""
        return str(self.json["errors"][0]["code"])

    @property
    def detail(self) -> Any:
        """Of the first error."""
        return self.json["errors"][0].get("detail")


@dataclass(frozen=True, slots=True)
class Plane:
    """One application and its settings."""

    app: WsgiApp
    config: Config

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        content_length: int | None = None,
    ) -> Answer:
        """`target` is percent-encoded, with its query. Without `content_length` it is that of the body, and none where
        the headers have a Transfer-Encoding."""
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "HTTP_HOST": "hub.example.org:5000",
        }
        is_chunked = any(name.lower() == "transfer-encoding" for name in headers or ())
        if not is_chunked and (body or content_length is not None):
            environ["CONTENT_LENGTH"] = str(len(body) if content_length is None else content_length)
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return call(self.app, environ)

    def get(self, target: str, **headers: str) -> Answer:
        """A GET whose headers are given as `if_none_match=…`."""
        return self.request("GET", target, headers=headers)


def call(app: WsgiApp, environ: dict[str, Any]) -> Answer:
    """One request; the body is read to its end and closed."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks: Iterable[bytes] = app(environ, lambda status, headers: started.append((status, headers)))
    body = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    ((status, sent),) = started
    headers: dict[str, str] = {}
    for name, value in sent:
        headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    return Answer(int(status.split()[0]), headers, body)


def make_plane(folder: Path, *, gate: Gate | None = None, driver: StorageDriver | None = None, **changes: Any) -> Plane:
    """A data plane that keeps its blobs in the folder; `changes` are settings such as `http__prefix="/pre/"`."""
    config = changed(settings.HUB, storage__delete__enabled=True)
    config = changed(config, **changes)
    hub = build_hub(
        config,
        driver=driver or FilesystemDriver(folder / "blobs"),
        data=folder,
        http_secret=b"secret",
        gate=gate or OpenGate(),
    )
    return Plane(build_app(hub), config)
