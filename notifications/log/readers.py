"""Readers turn the raw bytes of an intake row into events, and say of each part that is none why not.

A reader is `read(raw: bytes) -> Sequence[Reading]`. It is deterministic in order and length: the head of the log
counts into what it returns (`LogHead.intake_done`), and after a crash the row is read again.
"""

from typing import NamedTuple

from notifications import events, facts
from notifications.log import alike


class ReadEvent(NamedTuple):
    """One event: as it came (JSON without a line break), and understood; `facts` of it that the wire does not say."""

    raw: bytes
    event: events.Event
    facts: bytes = b""


class Unreadable(NamedTuple):
    """A part that is no event; it goes to quarantine as it came.

    `kind` names the reader that may read it alone one day; "" is the one that could not.
    """

    raw: bytes
    reason: str
    kind: str = ""


Reading = ReadEvent | Unreadable


def read_event(raw: bytes) -> list[Reading]:
    """One wire event of this hub, and in a second line what it knows besides (`notifications.facts`)."""
    return [_read(raw, b"\n")]


def read_journal(raw: bytes) -> list[Reading]:
    """A journal segment: one wire event a line, and behind a tab what is known besides.

    Bytes in which no line is an event (a broken disk, a foreign file) are kept in one piece.
    """
    readings = [_read(line, b"\t") for line in raw.split(b"\n") if line]
    reasons = [reading.reason for reading in readings if isinstance(reading, Unreadable)]
    if reasons and len(reasons) == len(readings):
        return [Unreadable(raw, f"a journal segment without one readable line; the first is {reasons[0]}")]
    return readings


def _read(raw: bytes, divider: bytes) -> Reading:
    """Facts that cannot be read are left out: the event counts without them."""
    wire, _, known = raw.partition(divider)
    try:
        event = alike.parse(wire)
    except events.InvalidEvent as error:
        return Unreadable(raw, str(error))
    return ReadEvent(wire, event, known if facts.is_readable(known) else b"")
