"""Where requests go: URLs and proxies."""

import pytest

from notifications.delivery.outgoing.targets import BadTarget, Place, find_target


def test_a_plain_url_is_dialled_itself() -> None:
    """Host, port, path and query are taken apart; the fragment stays at home."""
    target = find_target("http://hooks.example.org:8080/a/b?c=d&e=%20#f", {})
    assert target.dial == Place("hooks.example.org", 8080)
    assert target.request_target == "/a/b?c=d&e=%20"
    assert target.host_header == "hooks.example.org:8080"
    assert (target.tls_host, target.tunnel, target.headers) == (None, None, ())


def test_ports_have_defaults_and_do_not_show_in_host() -> None:
    """80 and 443."""
    plain, secure = find_target("http://a.example", {}), find_target("https://a.example", {})
    assert (plain.dial.port, plain.host_header, plain.request_target) == (80, "a.example", "/")
    assert (secure.dial.port, secure.host_header, secure.tls_host) == (443, "a.example", "a.example")


def test_ipv6_addresses_are_written_in_brackets() -> None:
    """In Host, not when dialling."""
    target = find_target("http://[2001:db8::1]:81/", {})
    assert target.dial == Place("2001:db8::1", 81)
    assert target.host_header == "[2001:db8::1]:81"
    assert find_target("http://[2001:db8::1]/", {}).host_header == "[2001:db8::1]"


def test_what_is_not_ascii_is_encoded() -> None:
    """Host names by IDNA, paths by percent."""
    target = find_target("http://bücher.example/ä?ö", {})
    assert target.dial.host == "xn--bcher-kva.example"
    assert target.request_target == "/%C3%A4?%C3%B6"


def test_user_and_password_of_a_url_become_a_header() -> None:
    """As Go and browsers do it."""
    assert find_target("http://me:s%40cret@a.example/", {}).headers == (("Authorization", "Basic bWU6c0BjcmV0"),)


def test_plain_requests_go_to_the_proxy_with_the_whole_url() -> None:
    """The proxy's own credentials travel along."""
    target = find_target("http://a.example/x", {"HTTP_PROXY": "http://u:p@proxy.example:3128"})
    assert target.dial == Place("proxy.example", 3128)
    assert target.request_target == "http://a.example/x"
    assert target.headers == (("Proxy-Authorization", "Basic dTpw"),)
    assert target.tunnel is None


def test_secure_requests_go_through_a_tunnel() -> None:
    """CONNECT names the endpoint, TLS is checked against it, and it never sees the proxy's credentials."""
    target = find_target("https://a.example/x", {"https_proxy": "proxy.example:3128"})
    assert target.dial == Place("proxy.example", 3128)
    assert target.tunnel == b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
    assert (target.tls_host, target.request_target, target.headers) == ("a.example", "/x", ())


@pytest.mark.parametrize("url", ["http://localhost/", "http://127.0.0.7/", "http://[::1]:5000/"])
def test_this_machine_is_never_reached_through_a_proxy(url: str) -> None:
    """As in the reference."""
    assert find_target(url, {"HTTP_PROXY": "http://proxy.example:3128"}).dial.host in ("localhost", "127.0.0.7", "::1")


@pytest.mark.parametrize(
    ("url", "exceptions", "is_direct"),
    [
        ("http://a.example/", "*", True),
        ("http://a.example/", "b.example, A.example", True),
        ("http://x.a.example/", "a.example", True),
        ("http://a.example/", ".a.example", False),
        ("http://x.a.example/", ".a.example", True),
        ("http://xa.example/", "a.example", False),
        ("http://a.example:81/", "a.example:81", True),
        ("http://a.example:82/", "a.example:81", False),
        ("http://10.1.2.3/", "10.0.0.0/8", True),
        ("http://11.1.2.3/", "10.0.0.0/8", False),
        ("http://11.1.2.3/", "11.1.2.3", True),
        ("http://11.1.2.3:81/", "11.1.2.3:81", True),
        ("http://11.1.2.3/", "example, ,", False),
        ("http://[2001:db8::1]/", "2001:db8::/32", True),
    ],
)
def test_no_proxy_names_hosts_domains_addresses_and_ranges(url: str, exceptions: str, is_direct: bool) -> None:
    """With and without a port, in any case."""
    target = find_target(url, {"HTTP_PROXY": "http://proxy.test:3128", "NO_PROXY": exceptions})
    assert (target.dial.host != "proxy.test") == is_direct


def test_other_kinds_of_proxies_are_refused_by_name() -> None:
    """The text says which variable, and repeats nothing of it."""
    with pytest.raises(BadTarget, match="HTTP_PROXY") as refusal:
        find_target("http://a.example/", {"HTTP_PROXY": "socks5://user:secret@proxy.example"})
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["ftp://a.example/", "a.example", "http:///x", "http://" + "ä" * 70 + ".example/"])
def test_what_cannot_be_called_is_refused(url: str) -> None:
    """Another scheme, no host, a name that is too long."""
    with pytest.raises(BadTarget):
        find_target(url, {})
