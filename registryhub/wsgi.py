"""The front of every web process: the data plane and the probes go their short way, all else to Django."""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http.request import split_domain_port, validate_host

from notifications.receiver import wire
from registryhub.config.model import Config
from registryhub.http.forwarded import behind
from registryhub.http.response import Response, StartResponse, text_response
from registryhub.processes.health import Readiness, alive
from registryhub.v2 import app as v2
from registryhub.v2.hub import hub_from_settings

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def build_application() -> WsgiApp:
    """What a worker of the web server calls for each request. Built once a process, after the fork."""
    config: Config = settings.HUB
    data_plane = v2.build_app(hub_from_settings())
    receiver = wire.build_app(config.hub.limits)
    readiness = Readiness([config.storage.driver.rootdirectory, settings.DATA_DIR / "journal"])
    site = build_site()
    v2_path = f"{config.http.prefix}v2"
    v2_below = f"{v2_path}/"

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith(v2_below) or path == v2_path:
            return data_plane(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST" and wire.PATH.fullmatch(path):
            return receiver(environ, start_response)
        if path == "/healthz":
            return alive().send(start_response)
        if path == "/readyz":
            return readiness.answer().send(start_response)
        if path == "/" and not is_for_the_page(environ):
            return greeting().send(start_response)
        return site(environ, start_response)

    return behind(config.hub.proxies, application)


def build_site() -> WsgiApp:
    """Django, with its URLs imported now and not by the first visitor."""
    site = cast(WsgiApp, get_wsgi_application())
    import_module(settings.ROOT_URLCONF)
    return site


def is_for_the_page(environ: dict[str, Any]) -> bool:
    """Whether `/` is asked for as a page. Load balancers probe it with any method and Host, and must get 200."""
    domain, _ = split_domain_port(environ.get("HTTP_HOST", "localhost"))
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and validate_host(domain, settings.ALLOWED_HOSTS)


def greeting() -> Response:
    """The short answer of `/`."""
    return text_response("RegistryHub\n")
