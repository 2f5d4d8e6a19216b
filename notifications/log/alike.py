"""Lines of this hub's journals, which are alike: what is the same in them is understood once.

Pulls of one manifest by one program differ in their id, their time, and the request's id and address. These four are
cut out of the line by one pattern; the rest is read the first time it is seen.
"""

import re
import secrets
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from notifications import events

# What is cut out holds nothing that JSON would write in another way. Two patterns, since one would look for its middle.
_HEAD = re.compile(rb'\{"id":"([0-9a-f-]{1,128})","timestamp":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z)","action":')
_REQUEST = re.compile(rb',"request":\{"id":"([\w./:+=-]*)","addr":"([0-9a-f.:\[\]]{1,255})"', re.ASCII)
_BEGIN_REQUEST = b',"request":{'
_STAND_IN = secrets.token_hex()
_STAND_IN_AT = datetime(2000, 1, 1, microsecond=secrets.randbelow(10**6), tzinfo=UTC)
"""What nobody can have written there: so it is seen whether those that were cut out are those that count."""

_ADDRESS = events.Event._fields.index("address")
_REQUEST_ID = events.Event._fields.index("request_id")

_Fields = tuple[Any, ...]


def parse(line: bytes) -> events.Event:
    """What `events.parse` says, in half the time. Raises InvalidEvent."""
    head = _HEAD.match(line)
    request = _REQUEST.match(line, line.rfind(_BEGIN_REQUEST)) if head else None
    if head is None or request is None:
        return events.parse(line)
    rest = _read_rest(line[head.end() : request.start()], line[request.end() :])
    try:
        moment = datetime.fromisoformat(head[2].decode())
    except ValueError:
        rest = None
    if rest is None:
        return events.parse(line)
    before, between, after = rest
    return events.Event._make(
        (head[1].decode(), moment, *before, request[2].decode(), *between, request[1].decode(), *after)
    )


@lru_cache(maxsize=4096)
def _read_rest(target: bytes, request: bytes) -> tuple[_Fields, _Fields, _Fields] | None:
    """The fields from the action on, without the address and the request's id; None when it must be read as a whole."""
    stand_in = _STAND_IN.encode()
    line = b'{"id":"%b","timestamp":"%b","action":%b,"request":{"id":"%b","addr":"%b"%b' % (
        stand_in,
        events.format_timestamp(_STAND_IN_AT).encode(),
        target,
        stand_in,
        stand_in,
        request,
    )
    try:
        event = events.parse(line)
    except events.InvalidEvent:
        return None
    if (event.id, event.timestamp, event.request_id, event.address) != (_STAND_IN, _STAND_IN_AT, _STAND_IN, _STAND_IN):
        return None
    return event[2:_ADDRESS], event[_ADDRESS + 1 : _REQUEST_ID], event[_REQUEST_ID + 1 :]
