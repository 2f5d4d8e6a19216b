"""`python -m tests.bench.steps REPOSITORY TAG`: where the time of one pull by tag goes, inside a web process.

Run by the benchmark in the environment of a hub that holds the image, so database, journal and configuration are real.
Each step is timed alone with what the whole would hand it; what no step accounts for is the rest.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
django.setup()

from notifications.events import new_id  # noqa: E402
from notifications.log.journal import local_journal  # noqa: E402
from registryhub.http.request import Request  # noqa: E402
from registryhub.oci.media_types import parse_accept  # noqa: E402
from registryhub.registry import announce, manifests, tags  # noqa: E402
from registryhub.registry.announce import RequestContext  # noqa: E402
from registryhub.v2 import app as v2  # noqa: E402
from registryhub.v2.hub import hub_from_settings  # noqa: E402
from registryhub.v2.urls import base_url  # noqa: E402
from tests.servers.images import MANIFEST_TYPE  # noqa: E402

ROUNDS, CALLS = 7, 3000


def microseconds(call: Callable[[], Any]) -> float:
    """The best of some rounds, a call: the machine's noise only ever adds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, time.perf_counter() - begun)
    return best / CALLS * 1e6


def environ_of(repository: str, tag: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/v2/{repository}/manifests/{tag}",
        "QUERY_STRING": "",
        "HTTP_HOST": "127.0.0.1:5000",
        "HTTP_ACCEPT": MANIFEST_TYPE,
        "HTTP_USER_AGENT": "bench/1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
    }


def measure(repository: str, tag: str) -> dict[str, float]:
    """Microseconds a step, and `whole`."""
    hub = hub_from_settings()
    application = v2.build_app(hub)
    routes = v2.route_table(hub.prefix)
    environ = environ_of(repository, tag)
    request = Request(environ)
    found = manifests.find(repository, tag=tag)
    url = base_url(hub, request)
    context = RequestContext(new_id(), "127.0.0.1", "127.0.0.1:5000", "GET", "bench/1", "", url)
    line = announce._line(context, b"pull", found.target, tag)

    def pull() -> None:
        for _ in application(environ, lambda status, headers: None):
            pass

    return {
        "route": microseconds(lambda: routes.match(request.path)),
        "gate": microseconds(lambda: hub.gate.authorize(None, "127.0.0.1")),
        "look up the tag": microseconds(lambda: tags.find_digest(repository, tag)),
        "negotiate": microseconds(lambda: parse_accept(MANIFEST_TYPE)),
        "compose the event": microseconds(lambda: announce._line(context, b"pull", found.target, tag)),
        "append to the journal": microseconds(lambda: local_journal().append(line)),
        "whole": microseconds(pull),
    }


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3])))
    local_journal().close()
