"""Which addresses a URL that was typed in may lead to."""

import ipaddress

import pytest

from notifications.delivery.outgoing.guard import literal_address, only_outside

WITHIN = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "64:ff9b:1::7f00:1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fec0::1",
    "168.63.129.16",
    "::ffff:168.63.129.16",
)


@pytest.mark.parametrize("address", WITHIN)
def test_what_only_the_hub_can_reach_is_not_dialled(address: str) -> None:
    """Loopback, private, link-local and metadata addresses, however they are wrapped."""
    assert not only_outside([])(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_public_internet_is_dialled(address: str) -> None:
    """Wrapped or not."""
    assert only_outside([])(address)


def test_an_administrator_allows_networks_within() -> None:
    """Those, and no others."""
    may_dial = only_outside([ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")])
    assert may_dial("10.1.2.3")
    assert may_dial("::ffff:10.1.2.3")
    assert may_dial("fd00::1")
    assert not may_dial("127.0.0.1")
    assert not may_dial("::1")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "LocalHost"]
)
def test_a_number_is_an_address_in_every_form_that_resolvers_take(host: str) -> None:
    """Decimal, octal, hexadecimal and short ones, and the name that is the machine itself everywhere."""
    assert literal_address(host) == "127.0.0.1"


def test_a_name_is_no_address() -> None:
    """What it leads to is looked at when it is dialled; zero is this machine, and IPv6 stands for itself."""
    assert literal_address("hooks.example.org") is None
    assert literal_address("0") == "0.0.0.0"
    assert literal_address("::ffff:127.0.0.1") == "::ffff:7f00:1"
    assert literal_address("a.localhost") == "127.0.0.1"
