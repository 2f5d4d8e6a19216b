"""Access logs: nginx `combined`, the same from Apache, and what CNCF Distribution writes with `accesslog` on.

192.0.2.7 - eve [25/Nov/2026:01:42:01 +0000] "GET /v2/app/web/manifests/latest HTTP/1.1" 200 246 "" "docker/24"
"""

import re

from notifications.receiver.logs.escapes import unescape
from notifications.receiver.logs.requests import Answered, InvalidLine

_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    rb"(\S+) \S+ (.+?) \[(\d\d)/([A-Z][a-z][a-z])/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "
    + _QUOTED  # the request
    + rb" (\d{3}) (\d{1,18}|-) "
    + _QUOTED  # where it was referred from
    + b" "
    + _QUOTED  # the user agent
    + rb"(?: .*)?"  # what operators add
)
_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?")
_MONTHS = {
    name: f"{number:02}".encode()
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}


def read_line(line: bytes) -> Answered | None:
    """None when the request was none: what scanners send to a port with TLS. Raises InvalidLine."""
    found = _LINE.fullmatch(line)
    if found is None or found[4] not in _MONTHS:
        raise InvalidLine("expected a line of an access log in the format `combined`")
    address, user, day, month, year, clock, hours, minutes, request, status, size, _, user_agent = found.groups()
    asked = _REQUEST.fullmatch(unescape(request))
    if asked is None:
        return None
    return Answered(
        address=unescape(address),
        timestamp=(b"%b-%b-%bT%b%b:%b" % (year, _MONTHS[month], day, clock, hours, minutes)).decode(),
        method=asked[1],
        target=asked[2],
        status=int(status),
        size=0 if size == b"-" else int(size),
        user=_absent(user),
        user_agent=_absent(user_agent),
    )


def _absent(text: bytes) -> str:
    return "" if text == b"-" else unescape(text)
