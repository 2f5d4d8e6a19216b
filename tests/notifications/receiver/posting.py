"""Calling the receiver as a server would, and what there is to send."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifications.receiver.wire import build_app
from registryhub.config.hub import Limits

TIME = "2026-11-24T02:41:45.489212142Z"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    document: Any

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = self.document["errors"][0]
        return found


def post(
    body: bytes | Mapping[str, Any] | list[Any],
    token: str = "",
    *,
    content_type: str = "application/json",
    limits: Limits | None = None,
    announced: int | None = None,
    chunked: bool = False,
    **environ: str,
) -> Answer:
    """Send a body; `announced` is a Content-Length that does not fit it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/events",
        "wsgi.input": io.BytesIO(raw),
        **environ,
    }
    if token:
        found.setdefault("HTTP_AUTHORIZATION", f"Bearer {token}")
    if content_type:
        found["CONTENT_TYPE"] = content_type
    if not chunked:
        found["CONTENT_LENGTH"] = str(len(raw) if announced is None else announced)
    answered: list[Any] = []
    chunks = build_app(limits or Limits())(found, lambda status, headers: answered.append((status, headers)))
    document = json.loads(b"".join(chunks))
    status, headers = answered[0]
    return Answer(int(status.split()[0]), headers, document)


def event(id_: str = "e-1", **changes: Any) -> dict[str, Any]:
    """An event as a registry sends it; `changes` replace its fields."""
    return {
        "id": id_,
        "timestamp": TIME,
        "action": "pull",
        "target": {
            "mediaType": MANIFEST_TYPE,
            "digest": f"sha256:{'a' * 64}",
            "size": 442,
            "length": 442,
            "repository": "lib/img",
            "url": "http://registry:5000/v2/lib/img/manifests/latest",
            "tag": "latest",
        },
        "request": {"id": "r-1", "addr": "[2001:db8::1]:55574", "host": "registry:5000", "method": "GET"},
        "actor": {},
        "source": {"addr": "vm:5000", "instanceID": "i-1"},
    } | changes


def envelope(*events: Any) -> dict[str, Any]:
    return {"events": list(events)}
