"""What is believed of forwarded headers, and from whom (RFC 7239, reference B.5)."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registryhub.http.forwarded import behind, client_address, parse_forwarded

NETWORKS = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"), ip_network("127.0.0.1"))
PEER = "10.1.2.3"
TOKEN = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8)
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)


def seen(peer: str = PEER, *, host: str = "hub.internal:5000", **headers: str) -> tuple[str, str, str]:
    """Scheme, host and client's address as the application sees them; headers are given as `x_forwarded_host=…`."""
    found: dict[str, Any] = {}

    def look(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "REMOTE_PORT": "40000", "HTTP_HOST": host, "wsgi.url_scheme": "http"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    behind(NETWORKS, look)(environ, lambda *_: None)
    return found["wsgi.url_scheme"], found["HTTP_HOST"], found["REMOTE_ADDR"]


UNTOLD = ("http", "hub.internal:5000", PEER)


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8:1::7", "127.0.0.1"])
def test_a_trusted_proxy_is_believed(peer: str) -> None:
    """Also one whose IPv4 address came by an IPv6 socket."""
    headers = {"x_forwarded_proto": "https", "x_forwarded_host": "out.example", "x_forwarded_for": "203.0.113.9"}
    assert seen(peer, **headers) == ("https", "out.example", "203.0.113.9")
    assert seen(peer, forwarded="for=203.0.113.9;proto=https;host=out.example") == (
        "https",
        "out.example",
        "203.0.113.9",
    )


@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8:2::7", "", "unix:", "10.1.2", "localhost"])
def test_anybody_else_is_not(peer: str) -> None:
    """Whatever is sent, scheme, host and address stay what they are."""
    headers = {
        "forwarded": "for=203.0.113.9;proto=https;host=evil.example",
        "x_forwarded_proto": "https",
        "x_forwarded_host": "evil.example",
        "x_forwarded_port": "1",
        "x_forwarded_for": "203.0.113.9",
    }
    assert seen(peer, **headers) == ("http", "hub.internal:5000", peer)


def test_without_proxies_nothing_stands_in_the_way() -> None:
    """The application is called as it is: a hub without proxies pays nothing for them."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return []

    assert behind((), app) is app


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("proto=https", ("https", "hub.internal:5000", PEER)),
        ('Proto=HTTPS;HOST="Out.Example:8443"', ("https", "Out.Example:8443", PEER)),
        ('host="out.example:8443" ; proto="https" , for=192.0.2.1', ("https", "out.example:8443", "192.0.2.1")),
        ("host=first.example, host=second.example", ("http", "first.example", PEER)),
        ('for="[2001:db8:cafe::17]:4711"', ("http", "hub.internal:5000", "2001:db8:cafe::17")),
        ('for="192.0.2.43:47011"', ("http", "hub.internal:5000", "192.0.2.43")),
        ('for="192.0.2.43:_port"', ("http", "hub.internal:5000", "192.0.2.43")),
        ("for=192.0.2.43, for=10.9.9.9", ("http", "hub.internal:5000", "192.0.2.43")),
        ("for=1.1.1.1, for=192.0.2.43, for=10.9.9.9", ("http", "hub.internal:5000", "192.0.2.43")),
        ("for=_hidden", UNTOLD),
        ("for=unknown;proto=https", ("https", "hub.internal:5000", PEER)),
        ("for=192.0.2.43, for=_hidden", UNTOLD),
        ("for=192.0.2.43, for=_hidden, for=10.9.9.9", ("http", "hub.internal:5000", "10.9.9.9")),
        ("for=10.8.8.8, for=10.9.9.9", ("http", "hub.internal:5000", "10.8.8.8")),
        (";;proto=https;,,", ("https", "hub.internal:5000", PEER)),
        ("secret=x;by=10.0.0.1;proto=https", ("https", "hub.internal:5000", PEER)),
        (r'host="out\.example"', ("http", "out.example", PEER)),
        (",", UNTOLD),
    ],
)
def test_what_a_forwarded_header_says(header: str, expected: tuple[str, str, str]) -> None:
    """Scheme and host of the first element; the nearest address that is no trusted proxy."""
    assert seen(forwarded=header, x_forwarded_host="not.asked") == expected


@pytest.mark.parametrize(
    "header",
    [
        "proto=https;proto=http",
        "host=a;HOST=b",
        "proto",
        "proto=",
        "=https",
        "proto = https",
        'proto="https',
        'host="a\\',
        "host=a:80",
        "for=[::1]",
        "proto=https host=a",
        "proto=https, what is this",
        'host="a"b',
        "\x7f",
    ],
)
def test_a_forwarded_header_that_cannot_be_read_says_nothing(header: str) -> None:
    """Nor do the X-Forwarded headers beside it then: somebody along the way is confused."""
    headers = {"x_forwarded_proto": "https", "x_forwarded_host": "x.example", "x_forwarded_for": "192.0.2.1"}
    assert seen(forwarded=header, **headers) == UNTOLD


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "a:port", "a:123456", "", "-a", "a%20", "é", "[::1", "a\tb"])
def test_a_host_that_is_none_is_not_taken(host: str) -> None:
    """It would become a part of URLs."""
    quoted = host.replace("\\", "\\\\")
    assert seen(forwarded=f'host="{quoted}"') == UNTOLD
    assert seen(x_forwarded_host=host) == UNTOLD


@pytest.mark.parametrize("scheme", ["ftp", "https:", "", "javascript"])
def test_a_scheme_that_is_none_is_not_taken(scheme: str) -> None:
    """Only http and https lead here."""
    assert seen(x_forwarded_proto=scheme)[0] == seen(forwarded=f'proto="{scheme}"')[0] == "http"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_forwarded_proto": "HTTPS, http"}, ("https", "hub.internal:5000", PEER)),
        ({"x_forwarded_host": " a.example , b.example"}, ("http", "a.example", PEER)),
        ({"x_forwarded_host": "a.example", "x_forwarded_port": "8080"}, ("http", "a.example:8080", PEER)),
        ({"x_forwarded_host": "a.example:1", "x_forwarded_port": "8080"}, ("http", "a.example:1", PEER)),
        ({"x_forwarded_host": "[::1]", "x_forwarded_port": "8080"}, ("http", "[::1]:8080", PEER)),
        ({"x_forwarded_host": "a.example", "x_forwarded_port": "80"}, ("http", "a.example", PEER)),
        (
            {"x_forwarded_host": "a.example", "x_forwarded_port": "443", "x_forwarded_proto": "https"},
            ("https", "a.example", PEER),
        ),
        ({"host": "a.example", "x_forwarded_port": "8443"}, ("http", "a.example:8443", PEER)),
        ({"x_forwarded_port": "8443"}, UNTOLD),
        ({"x_forwarded_host": "a.example", "x_forwarded_port": "x"}, ("http", "a.example", PEER)),
        ({"x_forwarded_prefix": "/hub", "x_forwarded_server": "a"}, UNTOLD),
        ({"x_forwarded_for": "203.0.113.1, 192.0.2.1, 10.2.2.2 ,10.3.3.3"}, (*UNTOLD[:2], "192.0.2.1")),
        ({"x_forwarded_for": "192.0.2.1:4711"}, (*UNTOLD[:2], "192.0.2.1")),
        ({"x_forwarded_for": "2001:db8:2::1"}, (*UNTOLD[:2], "2001:db8:2::1")),
        ({"x_forwarded_for": "[2001:db8:2::1]:443, 2001:db8:1::9"}, (*UNTOLD[:2], "2001:db8:2::1")),
        ({"x_forwarded_for": "192.0.2.1, nobody"}, UNTOLD),
        ({"x_forwarded_for": "::ffff:192.0.2.1"}, (*UNTOLD[:2], "192.0.2.1")),
        ({"x_forwarded_for": ","}, UNTOLD),
    ],
)
def test_what_x_forwarded_headers_say(headers: dict[str, str], expected: tuple[str, str, str]) -> None:
    """The first item of each; a port only where the host has none, and only if it is not the scheme's own."""
    assert seen(**headers) == expected


@given(elements=st.lists(st.dictionaries(TOKEN.map(str.lower), VALUE, min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_well_formed_is_read_back(elements: list[dict[str, str]]) -> None:
    """Any value, as a quoted string."""

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = ", ".join(";".join(f"{name}={quoted(value)}" for name, value in pairs.items()) for pairs in elements)
    assert parse_forwarded(text) == elements


@given(text=st.text(max_size=60) | st.text('for=host;," \\\t', max_size=60))
@example(" \t" * 30_000 + "x")
@example('a="' + "\\" * 60_000)
def test_nothing_sent_breaks_anything(text: str) -> None:
    """It is read or it is a ValueError, and either way the request goes on with a usable scheme and host."""
    for header in ("forwarded", "x_forwarded_proto", "x_forwarded_host", "x_forwarded_port", "x_forwarded_for"):
        scheme, host, address = seen(**{header: text})
        assert scheme in ("http", "https")
        assert host == "hub.internal:5000" or not set(host) & set(' /\\"@?#<>')
        assert address == PEER or address.strip("0123456789abcdef.:") == ""


@given(
    hops=st.lists(
        st.ip_addresses(v=4).map(str)
        | st.ip_addresses(v=6).map(str)
        | st.sampled_from(["10.7.7.7", "_x", "", "unknown"]),
        max_size=6,
    )
)
def test_a_client_never_chooses_its_address(hops: list[str]) -> None:
    """Whatever it sends comes further left than what the proxies add, and is not looked at."""

    def is_trusted(address: str) -> bool:
        return address.startswith("10.")

    added = ["198.51.100.7", "10.4.4.4"]
    assert client_address(PEER, [*hops, *added], is_trusted) == "198.51.100.7"
