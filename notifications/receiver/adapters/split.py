"""Cutting an envelope into its events without understanding them.

A parser gives up on the whole document for one lone surrogate, one number like 1e400, or one event nested a thousand
levels deep. Cut into pieces first, only the piece at fault is lost. Works on bytes, without recursion.
"""

import re

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)
_OPENING = (b"[", b"{")
_CLOSING = (b"]", b"}")
_KEY = b'"events"'


class InvalidEnvelope(ValueError):
    """The body is no envelope as a whole; the text says what was expected."""


def split(raw: bytes) -> list[bytes]:
    """The JSON texts of the events in `{"events": […]}`, in a bare list, or the body itself when it is neither.

    Of several `events` keys the last one counts, as with every parser. Raises InvalidEnvelope when a bracket does not
    close.
    """
    body = raw.strip()
    if body.startswith(b"["):
        return _elements(body, 0)
    opening = _find_list(body)
    return [body] if opening is None else _elements(body, opening)


def _elements(body: bytes, opening: int) -> list[bytes]:
    found: list[bytes] = []
    depth = 0
    begin = opening + 1
    for match in _TOKEN.finditer(body, opening):
        token = match.group()
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
            if depth == 0:
                last = body[begin : match.start()].strip()
                return [*found, last] if last else found
        elif token == b"," and depth == 1:
            found.append(body[begin : match.start()].strip())
            begin = match.end()
    raise InvalidEnvelope("the list of events does not end: the body was cut short, or a bracket is missing")


def _find_list(body: bytes) -> int | None:
    depth = 0
    before: bytes = b""
    key: bytes = b""
    found: int | None = None
    for match in _TOKEN.finditer(body):
        token = match.group()
        if token == b":" and depth == 1:
            key = before
        elif token in _OPENING:
            if token == b"[" and depth == 1 and before == b":" and key == _KEY:
                found = match.start()
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        before = token
    return found
