"""What trusted proxies say of a request: `Forwarded` (RFC 7239), else `X-Forwarded-*` (reference B.5).

Anybody can send these headers, so they count only when the peer is a proxy that the configuration names. Scheme and
host are those of the first element, as in the reference: the proxy must set them anew, not hand on what its client
sent. The client's address is the one nearest to the hub that is no trusted proxy, so nobody can make up his own.
`X-Forwarded-Prefix` is not read: the path of `http.host` says what a proxy has cut off.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from registryhub.http.response import StartResponse

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
Network = IPv4Network | IPv6Network

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf'({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)")'
_STEP = re.compile(rf"[ \t]*(?:{_PAIR}[ \t]*)?([;,]|\Z)")
_ESCAPED = re.compile(r"\\(.)")
_NODE = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::[0-9A-Za-z._-]+)?|(?P<four>[0-9.]+)(?::[0-9A-Za-z._-]+)?")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Said:
    """What a header says: empty where it says nothing. `hops` are the peers' peers, the nearest last."""

    scheme: str = ""
    host: str = ""
    port: str = ""
    hops: tuple[str, ...] = ()


def behind(proxies: Sequence[Network], app: WsgiApp) -> WsgiApp:
    """The application as its clients see it through these proxies; the application itself when there are none."""
    if not proxies:
        return app

    @lru_cache(4096)
    def is_trusted(address: str) -> bool:
        found = _parse_address(address)
        return found is not None and any(found in network for network in proxies)

    def told(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if is_trusted(environ.get("REMOTE_ADDR", "")):
            retell(environ, is_trusted)
        return app(environ, start_response)

    return told


def retell(environ: dict[str, Any], is_trusted: Callable[[str], bool]) -> None:
    """Put the client's address, scheme and host in place of the proxy's, as far as the proxy tells."""
    said = _said(environ)
    if said.hops:
        environ["REMOTE_ADDR"] = client_address(environ["REMOTE_ADDR"], said.hops, is_trusted)
        environ.pop("REMOTE_PORT", None)
    if said.scheme in _DEFAULT_PORTS:
        environ["wsgi.url_scheme"] = said.scheme
    if said.host:
        environ["HTTP_HOST"] = said.host
    if said.port:
        environ["HTTP_HOST"] = _with_port(environ.get("HTTP_HOST", ""), said.port, environ["wsgi.url_scheme"])


def parse_forwarded(text: str) -> list[dict[str, str]]:
    """The elements of a `Forwarded` header, names in lower case.

    Raises ValueError for anything that RFC 7239 does not allow, but for blanks around `;` and `,`.
    """
    elements: list[dict[str, str]] = [{}]
    position = 0
    while True:
        step = _STEP.match(text, position)
        if step is None:
            raise ValueError(f"nobody can read it from character {position} on")
        name, token, quoted, separator = step.groups()
        if name is not None:
            if name.lower() in elements[-1]:
                raise ValueError(f"{name} is said twice")
            elements[-1][name.lower()] = token if token is not None else _ESCAPED.sub(r"\1", quoted)
        if separator == ",":
            elements.append({})
        elif not separator:
            return [element for element in elements if element]
        position = step.end()


def client_address(peer: str, hops: Sequence[str], is_trusted: Callable[[str], bool]) -> str:
    """The nearest address that is no trusted proxy. Behind a name that is none, or hidden, nobody can look."""
    address = peer
    for hop in reversed(hops):
        found = _parse_node(hop.strip())
        if found is None:
            break
        address = str(found)
        if not is_trusted(address):
            break
    return address


def _said(environ: dict[str, Any]) -> Said:
    """A `Forwarded` header that cannot be read still is one: then nothing is said."""
    forwarded = environ.get("HTTP_FORWARDED")
    if not forwarded:
        return _said_by_x(environ)
    try:
        elements = parse_forwarded(forwarded)
    except ValueError:
        return Said()
    if not elements:
        return Said()
    return Said(
        scheme=elements[0].get("proto", "").lower(),
        host=_checked_host(elements[0].get("host", "")),
        hops=tuple(element.get("for", "") for element in elements),
    )


def _said_by_x(environ: dict[str, Any]) -> Said:
    hops = environ.get("HTTP_X_FORWARDED_FOR")
    port = _first(environ.get("HTTP_X_FORWARDED_PORT"))
    return Said(
        scheme=_first(environ.get("HTTP_X_FORWARDED_PROTO")).lower(),
        host=_checked_host(_first(environ.get("HTTP_X_FORWARDED_HOST"))),
        port=port if _PORT.fullmatch(port) else "",
        hops=tuple(hops.split(",")) if hops else (),
    )


def _first(value: str | None) -> str:
    return value.partition(",")[0].strip() if value else ""


def _checked_host(text: str) -> str:
    """A host with or without a port, else empty: it becomes a part of URLs."""
    return text if _HOST.fullmatch(text) else ""


def _with_port(host: str, port: str, scheme: str) -> str:
    found = _HOST.fullmatch(host)
    if found is None or found["port"] or port == _DEFAULT_PORTS.get(scheme):
        return host
    return f"{host}:{port}"


def _parse_node(text: str) -> IPv4Address | IPv6Address | None:
    """`192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, or the bare IPv6 address that X-Forwarded-For has."""
    found = _NODE.fullmatch(text)
    return _parse_address((found["six"] or found["four"]) if found else text)


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that came by an IPv6 socket is the IPv4 one."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
