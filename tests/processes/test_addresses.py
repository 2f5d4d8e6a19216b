"""Addresses are resolved and tried before anything is started."""

import socket

import pytest

from registryhub.processes.addresses import Refused, check_free, resolve
from tests.servers.ports import free_port


def test_a_free_address_is_accepted() -> None:
    """Nothing is raised, and the address is still free afterwards."""
    place = resolve("127.0.0.1", free_port())
    check_free(place)
    check_free(place)


@pytest.mark.parametrize("shares", [False, True])
def test_a_taken_address_is_refused_with_the_mend(shares: bool) -> None:
    """Even when the listener would share its port: ours share theirs among themselves alone."""
    with socket.socket() as listener:
        if shares:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(Refused) as refused:
            check_free(resolve("127.0.0.1", port), patience_seconds=0)
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "http.addr" in str(refused.value)


def test_an_address_of_another_machine_is_refused() -> None:
    """The message says that this machine does not have it."""
    with pytest.raises(Refused, match="no such address"):
        check_free(resolve("192.0.2.1", free_port()))


def test_a_name_nobody_knows_is_refused() -> None:
    """The message names the key."""
    with pytest.raises(Refused, match=r"http\.addr"):
        resolve("no-such-host.invalid", 5000)


def test_localhost_is_ipv4() -> None:
    """Docker's clients and health probes dial 127.0.0.1."""
    assert resolve("localhost", 5000).host == "127.0.0.1"


def test_ipv6_is_written_in_brackets() -> None:
    """As in URLs."""
    assert str(resolve("::1", 5000)) == "[::1]:5000"
