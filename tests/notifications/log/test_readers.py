import pytest

from notifications.log.readers import ReadEvent, Unreadable, read_event, read_journal
from tests.notifications.log.making import lines, pull


def test_an_event_is_read_as_it_came() -> None:
    """Raw and understood, side by side."""
    raw = pull("one", repository="library/app")
    (reading,) = read_event(raw)
    assert isinstance(reading, ReadEvent)
    assert (reading.raw, reading.event.id, reading.event.repository) == (raw, "one", "library/app")


def test_a_second_line_holds_the_facts() -> None:
    """They are no part of the event; what cannot be read is kept whole."""
    raw = pull("one")
    (reading,) = read_event(raw + b'\n{"tagged":"new"}')
    assert isinstance(reading, ReadEvent)
    assert (reading.raw, reading.facts) == (raw, b'{"tagged":"new"}')
    (unreadable,) = read_event(b"{oops\nand more")
    assert unreadable.raw == b"{oops\nand more"


def test_a_segment_is_one_event_a_line() -> None:
    """In order; empty lines are nothing."""
    readings = read_journal(lines(["a", "b"]) + b"\n" + lines(["c"]))
    assert [reading.event.id for reading in readings if isinstance(reading, ReadEvent)] == ["a", "b", "c"]
    assert len(readings) == 3


def test_behind_a_tab_stand_the_facts() -> None:
    """The bytes of the event stay what they were; lines with and without facts stand side by side."""
    known = b'{"platforms":["linux/amd64"]}'
    readings = read_journal(pull("a") + b"\t" + known + b"\n" + pull("b") + b"\n")
    assert [(reading.raw, reading.facts) for reading in readings if isinstance(reading, ReadEvent)] == [
        (pull("a"), known),
        (pull("b"), b""),
    ]


@pytest.mark.parametrize("known", [b"", b'{"platforms":["lin', b"\xff\x00", b"[]", b'{"attached":true}\t{}'])
def test_torn_facts_cost_no_event(known: bytes) -> None:
    """Neither this one nor what stands around it."""
    readings = read_journal(lines(["a"]) + pull("b") + b"\t" + known + b"\n" + lines(["c"]))
    assert [reading.raw for reading in readings] == [pull("a"), pull("b"), pull("c")]
    assert [reading.facts for reading in readings if isinstance(reading, ReadEvent)] == [b"", b"", b""]


def test_an_unreadable_line_is_kept_with_its_facts() -> None:
    """Whoever looks into the quarantine sees all that stood there."""
    readings = read_journal(lines(["a"]) + b'{oops\t{"attached":true}\n')
    assert readings[1].raw == b'{oops\t{"attached":true}'


def test_a_bad_line_does_not_hide_the_good_ones() -> None:
    """It keeps its place, with the reason."""
    readings = read_journal(lines(["a"]) + b"{oops\n" + lines(["b"]))
    assert [type(reading) for reading in readings] == [ReadEvent, Unreadable, ReadEvent]
    assert readings[1].raw == b"{oops"
    assert isinstance(readings[1], Unreadable)
    assert "not JSON" in readings[1].reason


@pytest.mark.parametrize("raw", [b"\x00" * 5000, bytes(range(256)) * 20, b"PK\x03\x04\nrubbish\n"])
def test_garbage_stays_in_one_piece(raw: bytes) -> None:
    """Hundreds of fragments in the quarantine would help nobody."""
    (reading,) = read_journal(raw)
    assert isinstance(reading, Unreadable)
    assert reading.raw == raw
    assert "without one readable line" in reading.reason


def test_an_empty_segment_holds_nothing() -> None:
    """Neither an event nor anything to quarantine."""
    assert read_journal(b"") == read_journal(b"\n\n") == []
