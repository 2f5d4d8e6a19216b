"""The data plane as one WSGI callable: the layers of reference B.1, read top to bottom in `build_app`."""

import re
from collections.abc import Callable, Iterable
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from registryhub.http.request import Environ, Request
from registryhub.http.response import Headers, Response, StartResponse, json_response
from registryhub.http.routes import Route, Routes, method_not_allowed, not_found, route
from registryhub.oci.digests import DIGEST_PATTERN
from registryhub.oci.errors import BLOB_UPLOAD_UNKNOWN, OciError
from registryhub.oci.names import NAME_PATTERN, TAG_PATTERN, parse_repository
from registryhub.registry.announce import RequestContext
from registryhub.v2 import blobs, errors, listings, manifests, uploads
from registryhub.v2.hub import Hub
from registryhub.v2.urls import base_url

from notifications.events import new_id

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def route_table(prefix: str) -> Routes:
    """Who answers what (reference B.4), the busiest first. `prefix` begins and ends with `/`."""
    v2 = f"{re.escape(prefix)}v2/"
    name = f"(?P<name>{NAME_PATTERN})"
    return Routes(
        route(
            rf"{v2}{name}/manifests/(?P<reference>{TAG_PATTERN}|{DIGEST_PATTERN})",
            GET=manifests.get,
            HEAD=manifests.get,
            PUT=manifests.put,
            DELETE=manifests.delete,
        ),
        route(
            rf"{v2}{name}/blobs/(?P<digest>{DIGEST_PATTERN})", GET=blobs.get, HEAD=blobs.head, DELETE=blobs.delete
        ),
        route(
            rf"{v2}{name}/blobs/uploads/(?P<upload_id>[a-zA-Z0-9_.=-]+)",
            GET=uploads.status,
            HEAD=uploads.status,
            PATCH=uploads.patch,
            PUT=uploads.finish,
            DELETE=uploads.cancel,
        ),
        route(
            rf"{v2}{name}/blobs/uploads/",
            POST=uploads.start,
            **dict.fromkeys(("GET", "HEAD", "PATCH", "PUT", "DELETE"), no_upload),
        ),
        route(rf"{v2}{name}/tags/list", GET=listings.tags),
        route(rf"{v2}_catalog", GET=listings.catalog),
        route(v2, **dict.fromkeys(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), hello)),
    )
