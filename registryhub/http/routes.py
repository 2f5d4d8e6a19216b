"""One table of routes, one regular expression each, read top to bottom."""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from registryhub.http.request import Request
from registryhub.http.response import Response, text_response

Handler = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` must match the whole path; its named groups become the handler's keyword arguments."""

    pattern: re.Pattern[str]
    methods: Mapping[str, Handler]

    def without(self, methods: Container[str]) -> "Route":
        """The same place, where these methods are not allowed."""
        return Route(self.pattern, {method: act for method, act in self.methods.items() if method not in methods})


def route(pattern: str, **methods: Handler) -> Route:
    """`route(r"/v2/(?P<name>…)/tags/list", GET=tags)`."""
    return Route(re.compile(pattern), methods)


_REMEMBERED = 4096
_LONGEST_REMEMBERED = 512


class Routes:
    """Finds who answers, and remembers it: what is popular is asked for again and again.

    Unknown paths and methods are answered here (reference B.1).
    """

    def __init__(self, *routes: Route) -> None:
        self._routes = routes
        self._remember = lru_cache(_REMEMBERED)(self._match)

    def match(self, path: str) -> tuple[Route, Mapping[str, Any]] | None:
        return self._remember(path) if len(path) <= _LONGEST_REMEMBERED else self._match(path)

    def _match(self, path: str) -> tuple[Route, Mapping[str, Any]] | None:
        for candidate in self._routes:
            found = candidate.pattern.fullmatch(path)
            if found is not None:
                return candidate, found.groupdict()
        return None


def not_found() -> Response:
    return text_response("404 page not found\n", 404)


def method_not_allowed(found: Route, request: Request) -> Response:
    """405 with what is allowed; OPTIONS asks for just that."""
    allow = ("allow", ", ".join(sorted(found.methods)))
    if request.method == "OPTIONS":
        return Response(200, [allow, ("content-length", "0")])
    return text_response("Method not allowed\n", 405, [allow])
