"""The data plane as one WSGI callable: the layers of reference B.1, read top to bottom in `build_app`."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from django.db import connection

from notifications.events import new_id
from registryhub.access.robots import check_rights
from registryhub.config.model import Config
from registryhub.database.transactions import release_connection
from registryhub.http.request import Request
from registryhub.http.response import Headers, Response, StartResponse, json_response
from registryhub.http.routes import Route, Routes, method_not_allowed, not_found, route
from registryhub.oci.digests import DIGEST_PATTERN
from registryhub.oci.errors import BLOB_UPLOAD_UNKNOWN, OciError
from registryhub.oci.names import MAX_NAME_LENGTH, NAME_PATTERN, TAG_PATTERN, parse_repository
from registryhub.registry.announce import RequestContext
from registryhub.v2 import blobs, errors, listings, manifests, referrers, uploads
from registryhub.v2.hub import Hub
from registryhub.v2.precedence import Precedence
from registryhub.v2.urls import base_url

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

EVERY_METHOD = "*"
WRITING = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_MOST_TEXT = 1024
_MOST_UNREAD_BYTES = 64 << 20
_MOST_UNREAD_SECONDS = 2.0
_CHUNK_BYTES = 1 << 18
_FIXED_HEADERS = (
    ("docker-distribution-api-version", "registry/2.0"),
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "sandbox"),
)


def build_app(hub: Hub) -> WsgiApp:
    """What answers `<http.prefix>v2/…`. Whatever happens, it answers, and holds no connection while the body leaves."""
    routes = route_table(hub.prefix, is_read_only=hub.config.storage.maintenance.readonly.enabled)
    unrouted_headers = list(_FIXED_HEADERS)
    routed_headers = _routed_headers(hub.config)
    precedence = Precedence()

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request, request_id, headers = Request(environ), new_id(), routed_headers
        try:
            found = routes.match(request.path) or _find_despite_slash(routes, request)
            if found is None:
                response, headers = _elsewhere(routes, request), unrouted_headers
            else:
                give_way(precedence, request.method)
                response = _answer(hub, request, request_id, *found)
            release_connection()
        except Exception as error:
            response = errors.response_of(error, request, request_id)
            recover_connection()
            let_finish(request, response.status)
        response.headers = [*response.headers, *headers]
        if request.method == "HEAD" and isinstance(response.body, bytes):
            response.body = b""
        return response.send(start_response)

    return app


def route_table(prefix: str, *, is_read_only: bool = False) -> Routes:
    """Who answers what (reference B.4), the busiest first. `prefix` begins and ends with `/`.

    Of a registry that is only read nothing else is there (reference B.10): a write is a wrong method.
    """
    v2 = f"{re.escape(prefix)}v2/"
    name = f"{v2}(?P<name>{NAME_PATTERN})"
    table = (
        route(
            rf"{name}/manifests/(?P<reference>{TAG_PATTERN}|{DIGEST_PATTERN})",
            GET=manifests.get,
            HEAD=manifests.get,
            PUT=manifests.put,
            DELETE=manifests.delete,
        ),
        route(rf"{name}/blobs/(?P<digest>{DIGEST_PATTERN})", GET=blobs.get, HEAD=blobs.head, DELETE=blobs.delete),
        route(
            rf"{name}/blobs/uploads/(?P<upload_id>[a-zA-Z0-9_.=-]+)",
            GET=uploads.status,
            HEAD=uploads.status,
            PATCH=uploads.patch,
            PUT=uploads.finish,
            DELETE=uploads.cancel,
        ),
        route(
            rf"{name}/blobs/uploads/",
            POST=uploads.start,
            **dict.fromkeys(("GET", "HEAD", "PATCH", "PUT", "DELETE"), _no_upload),
        ),
        route(rf"{name}/referrers/(?P<digest>[^/]+)", GET=referrers.get, HEAD=referrers.get),
        route(rf"{name}/tags/list", GET=listings.tags, HEAD=listings.tags),
        route(f"{v2}_catalog", GET=listings.catalog, HEAD=listings.catalog),
        route(v2, **{EVERY_METHOD: _hello}),
    )
    return Routes(*(found.without(WRITING) if is_read_only else found for found in table))


def give_way(precedence: Precedence, method: str) -> None:
    """GET waits a moment for what writes. HEAD does not: clients ask with it in the middle of a push."""
    if method == "GET":
        precedence.pull()
    elif method != "HEAD":
        precedence.push()


def recover_connection() -> None:
    """After a failure: the thread's next request must not meet what this one broke."""
    connection.close_if_unusable_or_obsolete()
    release_connection()


def let_finish(request: Request, status: int) -> None:
    """Take and drop what a refused client is still sending, within bounds: else it sees a broken pipe, not the answer.

    Not from those who have not proven who they are, who could hold a thread by sending slowly; nor from those who wait
    to be asked (`Expect: 100-continue`), since reading would ask.
    """
    if request.method not in ("PUT", "POST", "PATCH") or status in (401, 429) or request.header("Expect"):
        return
    left, deadline = _MOST_UNREAD_BYTES, time.monotonic() + _MOST_UNREAD_SECONDS
    if (request.content_length or 0) <= left:
        while left > 0 and time.monotonic() < deadline and (chunk := request.body.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)


def _answer(hub: Hub, request: Request, request_id: str, found: Route, parameters: Mapping[str, Any]) -> Response:
    """Authorization, the name, the method; in this order (reference D.1)."""
    environ = request.environ
    address = request.remote_address
    actor = hub.gate.authorize(environ.get("HTTP_AUTHORIZATION"), environ.get("REMOTE_ADDR", ""))
    name = parameters.get("name")
    if name is not None and (len(name) > MAX_NAME_LENGTH or ":" in name):
        parse_repository(name)
    handler = found.methods.get(request.method) or found.methods.get(EVERY_METHOD)
    if handler is None:
        let_finish(request, 405)
        return method_not_allowed(found, request)
    check_rights(actor, request.method)
    context = RequestContext(
        request_id,
        address,
        environ.get("HTTP_HOST", "")[:_MOST_TEXT],
        request.method,
        environ.get("HTTP_USER_AGENT", "")[:_MOST_TEXT],
        actor,
        base_url(hub, request),
    )
    return handler(hub, request, context, **parameters)


def _routed_headers(config: Config) -> Headers:
    """`http.headers`, and the fixed ones that it does not name itself."""
    configured = [(name.lower(), value) for name, values in config.http.headers.items() for value in values]
    named = {name for name, _ in configured}
    return [*configured, *(header for header in _FIXED_HEADERS if header[0] not in named)]


def _find_despite_slash(routes: Routes, request: Request) -> tuple[Route, Mapping[str, Any]] | None:
    """A slash too many or too few is forgiven where a redirect would lose the method and the body."""
    return None if request.method in ("GET", "HEAD") else routes.match(_toggle_slash(request.path))


def _elsewhere(routes: Routes, request: Request) -> Response:
    """Redirects to the clean form of a path, without authentication, else 404 (reference B.1)."""
    cleaned = _clean(request.path)
    if cleaned == request.path:
        cleaned = _toggle_slash(cleaned)
        if routes.match(cleaned) is None:
            return not_found()
    query = request.environ.get("QUERY_STRING")
    location = quote(cleaned.encode("latin-1"))  # WSGI hands over bytes as characters
    location = f"{location}?{query}" if query else location
    status = 301 if request.method in ("GET", "HEAD") else 308
    return Response(status, [("location", location), ("content-length", "0")])


def _toggle_slash(path: str) -> str:
    return path[:-1] if path.endswith("/") else f"{path}/"


def _clean(path: str) -> str:
    cleaned = f"/{normpath(path).lstrip('/')}"
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def _hello(hub: Hub, request: Request, context: RequestContext) -> Response:
    return json_response({})


def _no_upload(hub: Hub, request: Request, context: RequestContext, name: str) -> Response:
    raise OciError(BLOB_UPLOAD_UNKNOWN)
