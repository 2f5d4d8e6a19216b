"""A request of the data plane over the WSGI environ; nothing is parsed before it is asked for."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl


class BodyReader(Protocol):
    """`wsgi.input`: `read(n)` blocks for up to n bytes and returns b"" at the end of the body.

    Trap: it also simply ends when the client hangs up, so whoever reads compares with `content_length`.
    """

    def read(self, size: int = -1, /) -> bytes: ...


Environ = Mapping[str, Any]


class Request:
    """`path` is decoded; `method` is upper case."""

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]

    @cached_property
    def query(self) -> dict[str, str]:
        """The first value of each parameter; bodies are never read as forms."""
        found: dict[str, str] = {}
        for name, value in self._parameters():
            found.setdefault(name, value)
        return found

    def query_all(self, name: str) -> list[str]:
        """Every value of a parameter, in their order."""
        return [value for key, value in self._parameters() if key == name]

    def _parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """The header's value, by its usual name in any case; several of one name are joined by a comma."""
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        value = self.environ.get(key)
        return value if isinstance(value, str) and value else None

    @property
    def body(self) -> BodyReader:
        reader: BodyReader = self.environ["wsgi.input"]
        return reader

    @property
    def content_length(self) -> int | None:
        """None when it is absent (chunked transfer) or not a number."""
        value = self.environ.get("CONTENT_LENGTH")
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None

    @property
    def has_body(self) -> bool:
        """Whether the client sends one; a chunked one may still turn out to be empty."""
        return bool(self.content_length) or "HTTP_TRANSFER_ENCODING" in self.environ

    @property
    def scheme(self) -> str:
        return str(self.environ.get("wsgi.url_scheme", "http"))

    @property
    def host(self) -> str:
        return str(self.environ.get("HTTP_HOST", ""))

    @property
    def remote_address(self) -> str:
        """`ip:port` of the peer, as far as the server tells."""
        address = str(self.environ.get("REMOTE_ADDR", ""))
        port = self.environ.get("REMOTE_PORT")
        return f"{address}:{port}" if port and ":" not in address else address
