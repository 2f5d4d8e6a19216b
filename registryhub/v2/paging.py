"""How clients ask for a page (`n` and `last`), and where they are told that the next one is."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from registryhub.http.request import Request
from registryhub.http.response import Headers
from registryhub.oci.errors import PAGINATION_NUMBER_INVALID, OciError

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def read_limit(request: Request) -> int | None:
    """`n`, which may be negative; None when it is not given. Raises OciError(PAGINATION_NUMBER_INVALID)."""
    text = request.query.get("n")
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise invalid_limit(text)
    return int(text)


def invalid_limit(number: Any) -> OciError:
    """The refusal of an `n`."""
    return OciError(PAGINATION_NUMBER_INVALID, {"n": number})


def read_text(request: Request, name: str) -> str:
    """A parameter that is compared with what is stored; empty when it is not given.

    Nothing stored holds a NUL, which PostgreSQL refuses: what comes behind it decides nothing.
    """
    return request.query.get(name, "").partition("\0")[0]


def next_link(path: str, last: str, limit: int, more: Mapping[str, str] | None = None) -> Headers:
    """Where the page behind `last` is; nowhere when `last` is empty."""
    if not last:
        return []
    return [("link", f'<{path}?{urlencode({**(more or {}), "last": last, "n": limit})}>; rel="next"')]
