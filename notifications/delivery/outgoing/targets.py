"""Where a request goes: the parts of an endpoint's URL, and the proxy that the environment names for it.

Pure over the environment that is passed in. `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read as the reference
reads them (C.1): this machine itself is never reached through a proxy.
"""

import base64
import ipaddress
import string
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit


class BadTarget(ValueError):
    """The URL or the proxy cannot be used; the text says what to change and repeats no secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and port to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """What to connect to, and what a request says about where it goes.

    `tunnel` is the request that a proxy gets first when the way to the endpoint is TLS; `headers` are those that
    follow from the URL and the proxy, credentials among them.
    """

    dial: Place
    tls_host: str | None
    tunnel: bytes | None
    request_target: str
    host_header: str
    headers: tuple[tuple[str, str], ...]


def find_target(url: str, environment: Mapping[str, str], proxy_url: str | None = None) -> Target:
    """The target of an http or https URL. `proxy_url`, empty for none, is asked instead of the environment.

    Raises BadTarget.
    """
    parts = urlsplit(url)
    place = _place(parts)
    is_tls = parts.scheme == "https"
    if proxy_url is None:
        proxy_url = _look_up_proxy(parts.scheme, place, environment)
    proxy = _read_proxy(proxy_url) if proxy_url else None
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=string.printable)
    own = _credentials("Authorization", parts)
    host = _host_header(parts, place)
    if proxy is None:
        return Target(place, place.host if is_tls else None, None, path, host, own)
    if is_tls:
        return Target(_place(proxy), place.host, _tunnel_request(place, proxy), path, host, own)
    through = (*own, *_credentials("Proxy-Authorization", proxy))
    return Target(_place(proxy), None, None, f"http://{host}{path}", host, through)


def _place(parts: SplitResult) -> Place:
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname:
        raise BadTarget("the URL must begin with http:// or https:// and name a host")
    return Place(_ascii_host(parts.hostname), parts.port or default)


def _ascii_host(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise BadTarget("the host of the URL is no valid name") from error


def _host_header(parts: SplitResult, place: Place) -> str:
    host = str(place)
    return host if parts.port else host.rpartition(":")[0]


def _credentials(name: str, parts: SplitResult) -> tuple[tuple[str, str], ...]:
    """User and password of a URL as a header, as browsers and Go do it."""
    if parts.username is None and parts.password is None:
        return ()
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return ((name, f"Basic {base64.b64encode(pair.encode()).decode()}"),)


def _tunnel_request(place: Place, proxy: SplitResult) -> bytes:
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    lines += [f"{name}: {value}" for name, value in _credentials("Proxy-Authorization", proxy)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _look_up_proxy(scheme: str, place: Place, environment: Mapping[str, str]) -> str:
    url = _variable(f"{scheme}_proxy", environment)
    if _is_this_machine(place.host) or _is_excepted(place, _variable("no_proxy", environment)):
        return ""
    return url


def _read_proxy(url: str) -> SplitResult:
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise BadTarget("a proxy is named as http://HOST:PORT, by HTTP_PROXY and HTTPS_PROXY too; no others are served")
    return proxy


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_excepted(place: Place, exceptions: str) -> bool:
    entries = (entry.strip().lower() for entry in exceptions.split(","))
    return any(_matches(place, entry) for entry in entries if entry)


def _matches(place: Place, entry: str) -> bool:
    """Whether an entry of NO_PROXY means the place: `*`, an address or range, or a domain, the latter with a port."""
    if entry == "*":
        return True
    address = _address(place.host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return entry == str(place)
    name, _, port = entry.partition(":")
    if port and port != str(place.port):
        return False
    host = place.host.lower()
    return host.endswith(name if name.startswith(".") else f".{name}") or host == name


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
