"""An attempt as commands to copy: the same request once more, and a check of its signature.

Pure. Everything is quoted for a POSIX shell; where a secret stood there is a variable to fill in.
"""

import re
import shlex
from typing import NamedTuple

from notifications.delivery.outgoing.sinks import MASK

_LEFT_OUT = frozenset(("host", "content-length"))
_SIGNS_BODY, _SIGNS_MESSAGE = "x-hub-signature-256", "webhook-signature"


class Request(NamedTuple):
    """What is kept of one: its head as it was sent, but for secrets, and its body, which may be cut."""

    url: str
    head: str
    body: str


def write_curl(request: Request) -> str:
    """The command that sends the same to the same place."""
    parts = ["curl -i", *(f"-H {_header(name, value)}" for name, value in _headers(request.head))]
    parts += [f"--data-raw {shlex.quote(request.body)}", shlex.quote(request.url)]
    return " \\\n  ".join(parts)


def write_check(request: Request) -> str:
    """The command that says what the signature must be, with the secret in $SECRET; empty for what is not signed."""
    found = {name.lower(): value for name, value in _headers(request.head)}
    if _SIGNS_BODY in found:
        return (
            f"printf %s {shlex.quote(request.body)} |\n"
            '  openssl dgst -sha256 -hmac "$SECRET" -r | cut -d" " -f1\n'
            f"# {_plain(found[_SIGNS_BODY]).removeprefix('sha256=')}"
        )
    if _SIGNS_MESSAGE in found:
        message = f"{found.get('webhook-id', '')}.{found.get('webhook-timestamp', '')}.{request.body}"
        return (
            'KEY=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -vtx1 | tr -d " \\n")\n'
            f"printf %s {shlex.quote(message)} |\n"
            '  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64\n'
            f"# {_plain(found[_SIGNS_MESSAGE])}"
        )
    return ""


def _headers(head: str) -> list[tuple[str, str]]:
    """The lines of a head but the first, and but those that curl writes itself."""
    pairs = [line.partition(":")[::2] for line in head.split("\r\n")[1:]]
    return [(name, value.strip()) for name, value in pairs if name.lower() not in _LEFT_OUT]


def _header(name: str, value: str) -> str:
    if value != MASK:
        return shlex.quote(f"{name}: {value}")
    variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
    return f'{shlex.quote(f"{name}: ")}"${{{variable}}}"'


def _plain(text: str) -> str:
    """What stands in a comment ends with its line."""
    return "".join(letter for letter in text if letter.isprintable())
