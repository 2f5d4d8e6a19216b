"""The stream behind the real web server: an event arrives when it happens, and nothing is held back."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from registryhub.processes.roles import WEB_DRAIN_SECONDS
from tests.notifications.receiver.posting import envelope, event
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.run import new_folder
from tests.servers.server import wait_until


@pytest.fixture(scope="module")
def hub(new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    with Hub(
        new_folder("stream"), new_databases(), config={"hub": {"log": {"streams": 2}, "web": {"workers": 1}}}
    ) as hub:
        yield hub


@contextmanager
def opened(hub: Hub, query: str = "", **headers: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection(hub.host, timeout=30)) as connection:
        path = f"/api/v1/events/stream?{query}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {hub.token}", **headers})
        yield connection.getresponse()


def read_seqs(answer: http.client.HTTPResponse, count: int) -> list[int]:
    """The numbers of the next events."""
    found: list[int] = []
    while len(found) < count:
        line = answer.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:])["seq"])
    return found


def post(hub: Hub, token: str, *ids: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with closing(hub.wire(**headers)) as wire:
        body = json.dumps(envelope(*map(event, ids))).encode()
        assert wire.request("POST", "/api/v1/events", body=body).status == 202


def test_an_event_arrives_as_it_happens_and_a_reader_that_was_cut_off_goes_on(hub: Hub) -> None:
    """Without a gap, and without an event twice."""
    token = hub.create_source("edge")
    with opened(hub) as answer:
        assert answer.getheader("X-Accel-Buffering") == "no"
        assert answer.readline().startswith(b"retry:")
        post(hub, token, "a", "b", "c")
        first = read_seqs(answer, 2)
    post(hub, token, "d", "e")
    hub.wait_until_drained()
    with opened(hub, **{"Last-Event-ID": str(first[-1])}) as answer:
        rest = read_seqs(answer, 3)
    assert first + rest == [1, 2, 3, 4, 5]


def test_places_come_free_when_readers_go(hub: Hub) -> None:
    """A reader that hangs up is noticed with the next thing it would have got."""
    token = hub.create_source("other")
    numbers = iter(range(1000))

    def is_free() -> bool:
        post(hub, token, f"x-{next(numbers)}")
        with opened(hub) as answer:
            return answer.status == 200

    with ExitStack() as readers:
        answers = [readers.enter_context(opened(hub)) for _ in range(3)]
        assert [answer.status for answer in answers].count(503) >= 1
        assert answers[-1].getheader("Retry-After") == "10"
    assert wait_until(is_free, 30, 0.3)


def test_a_hub_that_is_told_to_stop_does_not_wait_for_its_readers(new_databases: Callable[[], Databases]) -> None:
    """Requests are given a while; a stream, which has a minute, ends at once, and readers come again by themselves."""
    with Hub(new_folder("stopping"), new_databases()) as hub, opened(hub) as answer:
        assert answer.readline().startswith(b"retry:")
        began = time.monotonic()
        hub.stop()
        assert time.monotonic() - began < WEB_DRAIN_SECONDS
        answer.read()
