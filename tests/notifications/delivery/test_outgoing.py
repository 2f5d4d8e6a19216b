"""The guard where a connection is made: what a name leads to now is looked at, each time."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from notifications.delivery.outgoing.guard import only_outside
from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from tests.notifications.delivery.raw_server import OK, RawServer, answer

PUBLIC, INNER = "203.0.114.7", "127.0.0.1"


class Resolver:
    """Answers each question with the next of its lists of addresses; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.questions.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


@pytest.fixture
def inner() -> Iterator[RawServer]:
    with RawServer(answer(OK)) as server:
        yield server


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that somebody tried to connect to; nobody comes through."""
    found: list[str] = []

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        found.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return found


def sink_to(host: str, server: RawServer) -> HttpSink:
    return HttpSink(
        url=f"http://{host}:{server.port}/",
        headers={},
        timeout_seconds=1.0,
        user_agent="RegistryHub/1",
        environment={},
        guard=only_outside([]),
    )


def post(host: str, server: RawServer) -> Outcome:
    with closing(sink_to(host, server)) as sink:
        return sink.post(b"{}")


def test_a_name_that_leads_within_is_not_dialled(monkeypatch: pytest.MonkeyPatch, inner: RawServer) -> None:
    """Whatever else it leads to; the mend is for administrators."""
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([INNER]))
    outcome = post("hooks.example.org", inner)
    assert "127.0.0.1 is an address within; allow it with hub.outgoing.allow" in outcome.error
    assert inner.connections == 0


def test_a_name_is_asked_once_for_a_connection(
    monkeypatch: pytest.MonkeyPatch, inner: RawServer, dialled: list[str]
) -> None:
    """A resolver that would answer differently the second time has no second time: the judged address is dialled."""
    resolver = Resolver([PUBLIC], [INNER])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    assert "refused" in post("hooks.example.org", inner).error.lower()
    assert (resolver.questions, dialled) == (["hooks.example.org"], [PUBLIC])
    assert "an address within" in post("hooks.example.org", inner).error
    assert dialled == [PUBLIC]


def test_of_several_addresses_only_those_outside_are_dialled(
    monkeypatch: pytest.MonkeyPatch, inner: RawServer, dialled: list[str]
) -> None:
    """A name may lead to both."""
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([INNER, PUBLIC, "169.254.169.254"]))
    post("hooks.example.org", inner)
    assert dialled == [PUBLIC]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "[::1]"])
def test_an_address_in_another_form_is_still_within(host: str, inner: RawServer) -> None:
    """As the system's resolver reads it."""
    assert "an address within" in post(host, inner).error
    assert inner.connections == 0
