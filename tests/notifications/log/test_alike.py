"""Lines that are alike are read like any others."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import events
from notifications.log import alike
from tests.notifications.log.making import PULL, pull


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str


def read(parse: object, line: bytes) -> events.Event | Refused:
    try:
        return parse(line)  # type: ignore[operator, no-any-return]
    except events.InvalidEvent as error:
        return Refused(str(error))


def assert_read_alike(line: bytes) -> None:
    assert read(alike.parse, line) == read(events.parse, line)
    assert read(alike.parse, line) == read(events.parse, line)  # and when its like has been seen


def test_lines_that_differ_in_what_differs_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: one of them is read as a whole."""
    lines = [pull(address=f"203.0.113.9:{port}", request_id=f"r-{port}", host="counted") for port in range(1000, 1100)]
    asked: list[bytes] = []
    whole = events.parse

    def note(line: bytes) -> events.Event:
        asked.append(line)
        return whole(line)

    monkeypatch.setattr(events, "parse", note)
    found = [alike.parse(line) for line in lines]
    assert len(asked) == 1
    assert found == [whole(line) for line in lines]
    assert len({event.id for event in found}) == 100


@pytest.mark.parametrize(
    "fields",
    [
        {"address": ""},
        {"address": "[2001:db8::1]:55574"},
        {"address": "x" * 300},
        {"request_id": ""},
        {"request_id": 'a"b'},
        {"request_id": "ä"},
        {"actor": ""},
        {"user_agent": 'say "request":{"id":"x","addr":"1"'},
        {"user_agent": "\\"},
        {"user_agent": "a\0b"},
        {"tag": "", "method": "HEAD", "action": "check"},
        {"repository": ""},
        {"from_repository": "x" * 300},
        {"references": (events.Reference("application/json", "sha256:1", 7),)},
    ],
)
def test_any_event_is_read_alike(fields: dict[str, Any]) -> None:
    """Also those that are refused."""
    assert_read_alike(pull(**fields))


SAME = b'"action":"pull","target":{"repository":"a"}'
ID, TIME = b'"id":"0-1"', b'"timestamp":"2026-11-24T12:30:15.123456Z"'
REQUEST = b'"request":{"id":"r","addr":"::1"}'


@pytest.mark.parametrize(
    "line",
    [
        b"{%b,%b,%b,%b}" % (ID, TIME, SAME, REQUEST),
        b"{%b,%b,%b,%b,%b}" % (ID, TIME, SAME, REQUEST, b'"request":{"id":"other","addr":"::2"}'),
        b"{%b,%b,%b,%b,%b}" % (ID, TIME, SAME, REQUEST, b'"request":{}'),
        b"{%b,%b,%b,%b,%b}" % (ID, TIME, SAME, REQUEST, b'"id":"2"'),
        b"{%b,%b,%b,%b,%b}" % (ID, TIME, SAME, REQUEST, b'"timestamp":"2025-01-01T00:00:00Z"'),
        b'{%b,%b,%b,%b,"source":{"addr":"h",%b}}' % (ID, TIME, SAME, REQUEST, REQUEST),
        b'{%b,%b,"action":"pull","target":{"repository":"a",%b},"request":{"id":"it"}}' % (ID, TIME, REQUEST),
        b'{%b,%b,%b,"request":{"id":"r","addr":"::1","addr":"::2"}}' % (ID, TIME, SAME),
        b'{%b,"timestamp":"2026-13-24T12:30:15.123456Z",%b,%b}' % (ID, SAME, REQUEST),
        b'{%b,"timestamp":"2026-11-24T12:30:15Z",%b,%b}' % (ID, SAME, REQUEST),
        b'{%b,"timestamp":"2026-11-24T123015.123Z",%b,%b}' % (ID, SAME, REQUEST),
        b"{%b,%b,%b,%b" % (ID, TIME, SAME, REQUEST),
        b"{%b,%b,%b,%b}}" % (ID, TIME, SAME, REQUEST),
    ],
)
def test_what_only_looks_like_it_is_read_as_it_is(line: bytes) -> None:
    """Names that stand twice, or somewhere else, and times that are none."""
    assert_read_alike(line)


@given(st.data())
def test_bytes_that_were_changed_are_read_alike(data: st.DataObject) -> None:
    """Wherever something is cut out, put in, or repeated."""
    line = events.encode(PULL._replace(id=data.draw(st.sampled_from(["0a-1", "x", ""]))))
    at = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(at, min(len(line), at + 40)))
    put = data.draw(st.sampled_from([b"", b'"', b"\\", b"}", b",", b"\xff", b"0", line[at:end] * 2, orjson.dumps("ä")]))
    assert_read_alike(line[:at] + put + line[end:])
