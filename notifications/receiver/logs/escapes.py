"""Text between quotes in a log: nginx writes `\\x22`, Go `\\"`, and both mean a quote."""

import re

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_LAST = 0x10FFFF


def unescape(text: bytes) -> str:
    """What was written; bytes that are no UTF-8 are replaced."""
    plain = _ESCAPE.sub(_meant, text) if b"\\" in text else text
    return plain.decode("utf-8", "replace")


def _meant(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 1:
        return _LETTERS.get(code, code)
    number = int(code[1:], 16)
    if code.startswith(b"x"):
        return bytes([number])
    return chr(min(number, _LAST)).encode("utf-8", "replace")
