"""Who answers a path: found once, remembered within bounds."""

from typing import Any

from registryhub.http import routes as routing
from registryhub.http.response import Response
from registryhub.http.routes import Routes, route


def answer(*_: Any) -> Response:
    return Response()


def table() -> Routes:
    return Routes(route("/(?P<name>[a-z/]+)/tags", GET=answer), route("/(?P<name>[a-z/]+)", GET=answer))


def test_the_first_route_that_matches_the_whole_path_answers() -> None:
    """With the named groups of its pattern; also when it is asked again."""
    routes = table()
    for _ in range(2):
        found = routes.match("/team/app/tags")
        assert found is not None
        assert found[0].pattern.pattern.endswith("/tags")
        assert found[1] == {"name": "team/app"}
        assert routes.match("/team/App/tags") is None


def test_what_is_remembered_of_paths_is_bounded() -> None:
    """Whoever asks for ever new paths, or for very long ones, takes no memory."""
    routes = table()
    for number in range(routing._REMEMBERED + 10):
        routes.match(f"/{'ab'[number % 2] * (1 + number % 500)}/{number}")
    assert routes._remember.cache_info().currsize <= routing._REMEMBERED
    before = routes._remember.cache_info()
    found = routes.match("/" + "a" * routing._LONGEST_REMEMBERED)
    assert found is not None
    assert len(found[1]["name"]) == routing._LONGEST_REMEMBERED
    assert routes._remember.cache_info() == before
