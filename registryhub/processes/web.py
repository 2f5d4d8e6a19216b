"""The web processes: Granian's main with its workers, each a WSGI application with many threads."""

import gc
import logging
import os
import resource
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from notifications.log.stream import watch
from registryhub.config.model import Config
from registryhub.processes.addresses import resolve
from registryhub.processes.parentage import end_with
from registryhub.processes.readiness import report_ready, take_descriptor
from registryhub.processes.roles import WEB_DRAIN_SECONDS
from registryhub.processes.stopping import when_told_to_stop

logger = logging.getLogger(__name__)

APPLICATION_BUILDER = "registryhub.wsgi.build_application"
_CONNECTIONS = 8192  # a worker's; Granian counts idle kept-alive ones too
_BACKLOG = 4096
_CGI_NAMES = frozenset(("AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTPS", "QUERY_STRING", "REMOTE_USER"))


def serve(config: Config) -> None:
    """Serve until SIGTERM, then finish the requests in flight, for a while. Raises Refused for an unknown host.

    Exits with status 1 when a worker dies right after its respawn; whoever started this starts it again.
    """
    descriptor = take_descriptor()
    place = resolve(*config.http.listen)
    forget_cgi_variables()
    server = Granian(
        APPLICATION_BUILDER,
        address=place.host,
        port=place.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=config.hub.web.workers,
        blocking_threads=config.hub.web.threads,
        backlog=_BACKLOG,
        backpressure=min(_CONNECTIONS, raise_descriptor_limit() // 2),
        respawn_failed_workers=True,
        workers_kill_timeout=WEB_DRAIN_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
    )
    build = import_string(APPLICATION_BUILDER)
    import_module(settings.ROOT_URLCONF)  # before the fork, like the line above: workers share what is loaded
    gc.freeze()
    server.serve(target_loader=partial(load_application, build, os.getpid(), descriptor), wrap_loader=False)


def load_application(build: Callable[[], Any], parent: int, descriptor: int | None) -> Any:
    """The worker's first act: tie it to Granian's main, build the application, be spared the collector's walks.

    Streams of events end when it is told to stop: it waits for every request that is under way.
    """
    end_with(parent)
    when_told_to_stop(watch.close)
    application = build()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    report_ready(descriptor)
    return application


def forget_cgi_variables() -> None:
    """Granian lays every request over the environment: there, HTTP_X would be a header that each client has sent.

    A proxy for outgoing requests keeps its lower-case name, which is read as well.
    """
    if proxy := os.environ.get("HTTP_PROXY"):
        os.environ.setdefault("http_proxy", proxy)
    for name in [name for name in os.environ if name.startswith("HTTP_") or name in _CGI_NAMES]:
        del os.environ[name]


def raise_descriptor_limit() -> int:
    """Allow as many open files as the system lets this process have; each connection and blob is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else wanted
