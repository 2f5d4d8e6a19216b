"""Who asked, without saying who."""

from datetime import date

import pytest

from notifications.analytics.identity import hash_puller, hash_visitor, host_of

pytestmark = pytest.mark.only_database("sqlite")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1:5000", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("node-7.example:443", "node-7.example"),
        ("", ""),
    ],
)
def test_an_address_is_known_without_its_port(address: str, host: str) -> None:
    """IPv6 is full of colons, and only one of them can be the port's."""
    assert host_of(address) == host


def test_a_puller_is_another_one_on_the_next_day() -> None:
    """And a visitor with another program."""
    day, next_day = date(2026, 11, 24), date(2026, 11, 25)
    assert hash_puller(day, "10.0.0.1") == hash_puller(day, "10.0.0.1")
    assert hash_puller(day, "10.0.0.1") != hash_puller(next_day, "10.0.0.1")
    assert hash_visitor("10.0.0.1", "docker") != hash_visitor("10.0.0.1", "podman")
    assert -(2**63) <= hash_puller(day, "\ud800") < 2**63
