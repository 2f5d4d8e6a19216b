"""The debug server on its address."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from registryhub.config.load import load_config
from registryhub.config.model import Config
from registryhub.processes.addresses import Place, Refused, check_free, resolve
from registryhub.processes.debug.serve import open_server, serve
from registryhub.processes.roles import programs
from registryhub.processes.start import take_debug
from registryhub.processes.welcome import warnings
from tests.servers.ports import free_port


def config(address: str) -> Config:
    return load_config(None, {"HUB_DATA": "/data", "REGISTRY_HTTP_DEBUG_ADDR": address})


@contextmanager
def running(address: str) -> Iterator[Place]:
    """Where it listens."""
    place = resolve(*config(address).http.debug.listen or ("", 0))
    with open_server(config(address), place) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield place
        server.shutdown()
        thread.join()


def test_it_answers_whoever_comes_by_http() -> None:
    """Any Host, each request in a thread of its own: one client that dawdles holds up nobody."""
    with running(f"127.0.0.1:{free_port()}") as place, socket.create_connection(place[1:]) as dawdler:
        dawdler.sendall(b"GET /noth")
        with closing(HTTPConnection(place.host, place.port, timeout=10)) as client:
            client.request("GET", "/nothing", headers={"Host": "example.org"})
            reply = client.getresponse()
            assert (reply.status, reply.read()) == (404, b"404 page not found\n")


def test_a_taken_port_is_named_with_the_key_to_change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything is started, and by the program itself."""
    for module in ("start", "debug.serve"):
        monkeypatch.setattr(f"registryhub.processes.{module}.check_free", partial(check_free, patience_seconds=0))
    with running(f"127.0.0.1:{free_port()}") as place:
        told = r"another program listens there.*http\.debug\.addr.*HTTP_DEBUG_ADDR"
        with pytest.raises(Refused, match=told), ExitStack() as held:
            take_debug(config(str(place)), tmp_path, held)
        with pytest.raises(Refused, match=told):
            serve(config(str(place)))


def test_of_several_serves_on_a_data_folder_one_has_the_server(tmp_path: Path) -> None:
    """So each role may have a `serve` of its own, with the same configuration; the next one to start may have it."""
    address = config(f"127.0.0.1:{free_port()}")
    with ExitStack() as first, ExitStack() as second:
        assert take_debug(address, tmp_path, first)
        assert not take_debug(address, tmp_path, second)
        first.close()
        assert take_debug(address, tmp_path, second)


def test_without_an_address_nothing_is_started(tmp_path: Path) -> None:
    """The command says what to set; `serve` does not even start it."""
    unset = config("")
    with ExitStack() as held:
        assert not take_debug(unset, tmp_path, held)
    with pytest.raises(Refused, match=r"set http\.debug\.addr"):
        serve(unset)
    assert "debug" not in [program.command for program in programs(["relay"])]
    assert "debug" in [program.command for program in programs(["relay"], with_debug=True)]


@pytest.mark.parametrize(("address", "is_loud"), [("127.0.0.1:5001", False), ("[::1]:5001", False), (":5001", True)])
def test_an_address_for_everybody_is_said_loudly(address: str, is_loud: bool) -> None:
    """There is no login."""
    place = resolve("127.0.0.1", 5000)
    assert ("WARNING  whoever reaches :5001" in warnings(config(address), place)) is is_loud
