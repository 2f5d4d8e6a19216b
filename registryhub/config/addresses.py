"""Addresses and URLs: what to listen on, what to call, and how to show it without its password."""

import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Annotated, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr

from registryhub.config.values import read_text

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_PREFIX = re.compile(r"/([A-Za-z0-9._~!$&'()*+,;=:@-]+/)*")
_MASK = "**********"
ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - the meaning of `:5000`; whether to write it is the user's choice


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (all interfaces). Raises ValueError with the mend."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("must be HOST:PORT with a port up to 65535, such as 127.0.0.1:5000 or :5000")
    if host.startswith("[") and host.endswith("]"):
        return _checked_ipv6(host[1:-1]), int(port)
    if ":" in host:
        raise ValueError("holds a bare IPv6 address; write it in brackets, such as [::1]:5000")
    if host and not _HOST_NAME.fullmatch(host):
        raise ValueError("holds no valid host name; write an address such as 127.0.0.1:5000")
    return host or ALL_INTERFACES, int(port)


def _check_address(text: str) -> str:
    split_address(text)
    return text


def _checked_ipv6(host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise ValueError("holds no valid IPv6 address in its brackets; write one such as [::1]:5000") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_url(text: str, schemes: Collection[str]) -> SplitResult:
    """The parts of a URL with one of the schemes. Raises ValueError, which never repeats the URL."""
    names = " or ".join(f"{scheme}://" for scheme in schemes)
    if re.search(r"[^\x21-\x7e]", text):
        raise ValueError("holds a space, control or non-ASCII character; percent-encode it")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is no valid URL: {_without_values(error)}") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must be a URL that begins with {names}")
    return parts


def _without_values(error: ValueError) -> str:
    return (
        "its port is no number up to 65535 (percent-encode / ? # and @ in a password)"
        if "ort" in str(error)
        else "its host is malformed"
    )


def _check_http(text: str) -> str:
    if not split_url(text, ("https", "http")).hostname:
        raise ValueError("names no host; write a URL such as https://example.org/path")
    return text


def _check_base(text: str) -> str:
    parts = split_url(_check_http(text), ("https", "http"))
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a plain address such as https://registry.example.org, without user, ? or #")
    return text


def _check_database(text: str) -> str:
    parts = split_url(text, ("postgres", "postgresql", "sqlite"))
    if parts.scheme == "sqlite" and (parts.netloc or parts.path in ("", "/", "/:memory:")):
        raise ValueError("must name a file, such as sqlite:///hub.sqlite3: several processes share it")
    if parts.scheme != "sqlite" and len(parts.path) < 2:
        raise ValueError("names no database; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    return text


def _check_redis(text: str) -> str:
    parts = split_url(text, ("redis", "rediss", "unix"))
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError("names no server; write redis://HOST:PORT/0")
    return text


def normal_prefix(text: str) -> str:
    """The prefix with `/` for the empty one. Raises ValueError with the mend."""
    text = text or "/"
    if not _PREFIX.fullmatch(text) or "/./" in text or "/../" in text:
        raise ValueError("must be a plain path that begins and ends with /, such as /registry/")
    return text


class SecretUrl(SecretStr):
    """A URL whose password is masked wherever it is shown; `get_secret_value()` gives the whole."""

    def _display(self) -> str:
        netloc = urlsplit(self._secret_value).netloc
        user, at, host = netloc.rpartition("@")
        name, colon, _ = user.partition(":")
        shown = f"{name}:{_MASK}" if colon else name
        if user and not colon and self._secret_value.startswith("http"):
            shown = _MASK  # a lone user of a webhook is usually a token
        return mask_query(self._secret_value.replace(netloc, f"{shown}{at}{host}", 1))


_SECRET_VALUE = re.compile(r"([?&][^=&]*(?:pass|secret|token|sig|key)[^=&]*)=([^&#]*)", re.IGNORECASE)


def mask_query(url: str) -> str:
    """Without the values that look like secrets by their names."""
    return _SECRET_VALUE.sub(rf"\1={_MASK}", url)


def secrets_of_query(url: str) -> list[str]:
    """The values that `mask_query` hides."""
    return [value for _, value in _SECRET_VALUE.findall(url)]


def _url(check: Callable[[str], str]) -> BeforeValidator:
    def read(value: object) -> object:
        text = read_text(value)
        return check(text) if isinstance(text, str) else text

    return BeforeValidator(read)


_SHOWN = PlainSerializer(str, when_used="json")

Address: TypeAlias = Annotated[str, AfterValidator(_check_address), BeforeValidator(read_text)]
Prefix: TypeAlias = Annotated[str, AfterValidator(normal_prefix), BeforeValidator(read_text)]
BaseUrl: TypeAlias = Annotated[str, _url(_check_base)]
HttpUrl: TypeAlias = Annotated[SecretUrl, _SHOWN, _url(_check_http)]
DatabaseUrl: TypeAlias = Annotated[SecretUrl, _SHOWN, _url(_check_database)]
RedisUrl: TypeAlias = Annotated[SecretUrl, _SHOWN, _url(_check_redis)]
