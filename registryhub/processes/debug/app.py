"""What the debug server answers: `/metrics`, `/debug/vars` and `/debug/health`. It only reads."""

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.module_loading import import_string
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from registryhub.config.model import Config
from registryhub.database.transactions import release_connection
from registryhub.http.request import Request
from registryhub.http.response import Response, StartResponse, json_response, text_response
from registryhub.http.routes import Route, Routes, method_not_allowed, not_found, route
from registryhub.processes.debug.facts import Facts
from registryhub.processes.health import Readiness

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def build_app(config: Config) -> WsgiApp:
    """Any Host, no login: whoever reaches the address may ask."""
    readiness = Readiness([config.storage.driver.rootdirectory, settings.DATA_DIR / "journal"])
    routes = Routes(
        route("/debug/health", GET=lambda: _health(readiness)), route("/debug/vars", GET=_variables), *_metrics(config)
    )

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        response = _answer(routes, request)
        release_connection()
        if request.method == "HEAD":
            response.body = b""
        return response.send(start_response)

    return app


def _answer(routes: Routes, request: Request) -> Response:
    found = routes.match(request.path)
    if found is None:
        return not_found()
    handler = found[0].methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        return method_not_allowed(found[0], request)
    try:
        return handler()
    except (DatabaseError, InterfaceError) as error:
        return text_response(f"the database does not answer: {' '.join(str(error).split())}\n", 503)


def _metrics(config: Config) -> Iterable[Route]:
    """The route of Prometheus, if it is enabled."""
    prometheus = config.http.debug.prometheus
    if not prometheus.enabled:
        return ()
    registry = CollectorRegistry()
    registry.register(Facts())
    headers = [("content-type", CONTENT_TYPE_PLAIN_0_0_4)]

    def scrape() -> Response:
        body = generate_latest(registry)
        return Response(200, [*headers, ("content-length", str(len(body)))], body)

    return (route(re.escape(prometheus.path), GET=scrape),)


def _variables() -> Response:
    """As the reference's expvar: what settings.DEBUG_VARIABLES names, under `registry`."""
    found = {name: import_string(path)() for name, path in settings.DEBUG_VARIABLES.items()}
    return json_response({"cmdline": sys.argv, "registry": found})


def _health(readiness: Readiness) -> Response:
    """200 and `{}`, or 503 with what is wrong by the name of the check (reference G)."""
    problems = readiness.problems()
    return json_response(problems, 503 if problems else 200)
