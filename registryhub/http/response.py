"""What a handler of the data plane returns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import orjson

Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], Any]

STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@runtime_checkable
class Closing(Protocol):
    """A body that holds something open."""

    def close(self) -> None: ...


@dataclass(slots=True)
class Response:
    """`body` is bytes, or an iterable of chunks that may have `close()`; then the handler sets Content-Length."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Answer through WSGI."""
        if isinstance(self.body, bytes):
            start_response(STATUS_LINES[self.status], self.headers)
            return [self.body]
        start_response(STATUS_LINES[self.status], self.headers)
        return self.body

    def close(self) -> None:
        """Let go of a body that is not sent after all."""
        if isinstance(self.body, Closing):
            self.body.close()


def json_response(document: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """JSON with its length and type."""
    body = orjson.dumps(document)
    fixed = [("content-type", "application/json"), ("content-length", str(len(body)))]
    return Response(status, [*fixed, *headers], body)


def text_response(text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Plain text with its length and type."""
    body = text.encode()
    fixed = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
    return Response(status, [*fixed, *headers], body)
