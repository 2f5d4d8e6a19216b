"""The URLs the hub generates: `Location`, and `target.url` of events (reference B.5).

Scheme and host are those of the request as its client sent it: what trusted proxies (`hub.proxies`) say of it is in
place before the data plane is called (`registryhub.http.forwarded`). `http.host` and `http.relativeurls` come first.
"""

from urllib.parse import urlencode
from uuid import UUID

from registryhub.http.request import Request
from registryhub.v2.hub import Hub


def base_url(hub: Hub, request: Request) -> str:
    """Where generated URLs begin; ends in `/`, and `v2/…` follows."""
    return hub.base_url or f"{request.scheme}://{request.host}{hub.prefix}"


def blob_url(hub: Hub, request: Request, name: str, digest: str) -> str:
    """Where a blob is read."""
    return f"{base_url(hub, request)}v2/{name}/blobs/{digest}"


def manifest_url(hub: Hub, request: Request, name: str, reference: str) -> str:
    """Where a manifest is read; by digest unless the caller says otherwise."""
    return f"{base_url(hub, request)}v2/{name}/manifests/{reference}"


def upload_url(hub: Hub, request: Request, name: str, id_: UUID | str, state: str) -> str:
    """Where an upload goes on; `state` is the signed token of reference B.9."""
    return f"{base_url(hub, request)}v2/{name}/blobs/uploads/{id_}?{urlencode({'_state': state})}"
