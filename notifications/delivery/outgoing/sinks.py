"""Where rendered envelopes go: one POST each over a kept connection, and what became of it."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from itertools import chain
from typing import NamedTuple

from notifications.delivery.outgoing.answers import KEPT_BYTES, Answer, BadAnswer, NoAnswer
from notifications.delivery.outgoing.connections import Connection, Opening
from notifications.delivery.outgoing.guard import Guard, anywhere
from notifications.delivery.outgoing.lines import Deadline
from notifications.delivery.outgoing.retry_after import STATUSES, read_retry_after
from notifications.delivery.outgoing.targets import BadTarget, Target, find_target
from notifications.delivery.outgoing.tls import SYSTEM, Contexts, Tls
from notifications.events import MEDIA_TYPE_V2
from registryhub.config.addresses import mask_query, secrets_of_query

Headers = Mapping[str, Sequence[str]]


MASK = "***"
"""What stands for a secret."""


class Exchange(NamedTuple):
    """What went over the wire, to be shown: put into words only if somebody wants to keep it.

    `head` is that of the request with its secrets masked, but for the length; `extra` are lines of this request alone.
    `opening` is None on a kept connection.
    """

    head: str
    extra: str
    body: bytes
    answer: Answer | None
    opening: Opening | None
    first_byte_seconds: float | None
    mask: Callable[[bytes], bytes]

    @property
    def request_head(self) -> str:
        return f"{self.head}{len(self.body)}{self.extra}"

    @property
    def answer_head(self) -> bytes:
        """Without secrets; empty without an answer."""
        return self.mask(self.answer.head[:KEPT_BYTES]) if self.answer else b""

    @property
    def answer_body(self) -> bytes:
        """How it began, without secrets; empty without an answer."""
        return self.mask(self.answer.body) if self.answer else b""


class Outcome(NamedTuple):
    """What became of one attempt. `status` is None without an answer; `error` is empty for a success.

    `asked_seconds` is how long the receiver asked to be left alone. `exchange` is None when nothing could be sent.
    """

    duration_seconds: float
    status: int | None
    error: str = ""
    answer: bytes = b""
    asked_seconds: float = 0.0
    exchange: Exchange | None = None

    @property
    def is_success(self) -> bool:
        return not self.error


class HttpSink:
    """POSTs to one URL, one body at a time, and never raises for what the other side does.

    `headers` are sent as they are spelled, and replace the sink's own of the same name. `proxy` is one of its own,
    empty for none, else `environment` is where proxies are looked for; `guard` says which addresses may be dialled. A
    URL that cannot be used fails each attempt with the reason.
    """

    def __init__(
        self,
        *,
        url: str,
        headers: Headers,
        timeout_seconds: float,
        user_agent: str,
        environment: Mapping[str, str],
        media_type: str = MEDIA_TYPE_V2,
        proxy: str | None = None,
        tls: Tls = SYSTEM,
        guard: Guard = anywhere,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._guard = guard
        self._connection: Connection | None = None
        self._opening: Opening | None = None
        self._problem = ""
        try:
            self._target = find_target(url, environment, proxy)
        except BadTarget as error:
            self._problem = str(error)
            return
        self._mask = self._masked
        self._configured = frozenset(name.lower() for name in headers)
        own = (("User-Agent", user_agent), ("Content-Type", media_type))
        self._head = _render_head(self._target, headers, own).encode("latin-1")
        self._shown_head = _render_head(_masked_target(self._target), _masked_headers(headers), own)
        self._contexts = Contexts(tls)
        of_target = (*secrets_of_query(self._target.request_target), *(value for _, value in self._target.headers))
        self._secrets = _find_secrets(chain(*headers.values(), of_target))

    def post(self, body: bytes, extra: Sequence[tuple[str, str]] = ()) -> Outcome:
        """`extra` are headers of this request alone; what the configuration calls the same replaces them too."""
        if self._problem:
            return Outcome(0.0, None, self._problem)
        lines = "".join(f"\r\n{name}: {value}" for name, value in extra if name.lower() not in self._configured)
        started = time.monotonic()
        try:
            answer = self._exchange(b"%b%d%b\r\n\r\n%b" % (self._head, len(body), lines.encode("latin-1"), body))
        except (OSError, BadAnswer, NoAnswer) as error:
            exchange = self._describe(lines, body, None)
            self.close()
            return Outcome(time.monotonic() - started, None, self._explain(error), exchange=exchange)
        duration_seconds = time.monotonic() - started
        exchange = self._describe(lines, body, answer)
        if not answer.is_reusable:
            self.close()
        if 200 <= answer.status < 300:
            return Outcome(duration_seconds, answer.status, "", b"", 0.0, exchange)
        return Outcome(
            duration_seconds,
            answer.status,
            _refusal(answer.status),
            exchange.answer_body,
            _asked_seconds(answer),
            exchange,
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, request: bytes) -> Answer:
        """Over the kept connection; if that has died while idle, over a new one, and no failure is counted for it."""
        deadline = Deadline(self._timeout_seconds)
        self._opening = None
        if self._connection is not None and self._connection.is_usable():
            try:
                return self._connection.exchange(request, deadline)
            except _DIED_WHILE_IDLE:
                pass
        self.close()
        tls = self._contexts.context() if self._target.tls_host else None
        self._opening = Opening()
        self._connection = Connection(self._target, deadline, self._opening, tls=tls, guard=self._guard)
        return self._connection.exchange(request, deadline)

    def _describe(self, lines: str, body: bytes, answer: Answer | None) -> Exchange:
        first_byte = self._connection.first_byte_seconds if self._connection is not None else None
        return Exchange(self._shown_head, lines, body, answer, self._opening, first_byte, self._mask)

    def _explain(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout_seconds:g} s"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"TLS: {error.verify_message}"
        if isinstance(error, socket.gaierror):
            return f"the host was not found: {error.strerror}"
        if isinstance(error, OSError):
            return error.strerror or str(error) or type(error).__name__
        return str(error)

    def _masked(self, answer: bytes) -> bytes:
        """Without the values of our headers: some servers repeat the request in what they answer."""
        for secret in self._secrets:
            answer = answer.replace(secret, MASK.encode())
        return answer


_DIED_WHILE_IDLE = (NoAnswer, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@cache
def status_text(status: int) -> str:
    """`503 Service Unavailable`: our own words for the number, since a receiver may say anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _find_secrets(values: Iterable[str]) -> list[bytes]:
    """What an answer must not repeat: header values and, of `Bearer abcd`, the last word; no flags or numbers."""
    secrets = {secret for value in values for secret in (value, value.rpartition(" ")[2])}
    return sorted((secret.encode("latin-1") for secret in secrets if len(secret) >= 4), key=len, reverse=True)


def _asked_seconds(answer: Answer) -> float:
    return read_retry_after(answer.retry_after, datetime.now(UTC)) if answer.status in STATUSES else 0.0


def _refusal(status: int) -> str:
    text = f"answered {status_text(status)}"
    return f"{text}; redirects are not followed" if 300 <= status < 400 else text


def _masked_headers(headers: Headers) -> Headers:
    return {name: [MASK] * len(values) for name, values in headers.items()}


def _masked_target(target: Target) -> Target:
    headers = tuple((name, MASK) for name, _ in target.headers)
    return replace(target, request_target=mask_query(target.request_target), headers=headers)


def _render_head(target: Target, headers: Headers, own: Iterable[tuple[str, str]]) -> str:
    """The head of every request, up to the number that Content-Length needs; configured headers replace own ones."""
    own = (*own, *target.headers)
    configured = {name.lower() for name in headers}
    lines = [f"POST {target.request_target} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in own if name.lower() not in configured]
    lines += [f"{name}: {value}" for name, values in headers.items() for value in values]
    return "\r\n".join([*lines, "Content-Length: "])
