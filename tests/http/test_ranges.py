"""Which parts of a body a Range header asks for (RFC 9110 §14)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registryhub.http.ranges import MOST_PARTS, Part, frame_parts, parse_ranges

SIZE = 1000


def spans(text: str, size: int = SIZE) -> list[tuple[int, int]] | None:
    """First and last byte of each part."""
    found = parse_ranges(text, size)
    return None if found is None else [(part.start, part.last) for part in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("bytes=990-", [(990, 999)]),
        ("bytes=990-5000", [(990, 999)]),
        ("bytes=-10", [(990, 999)]),
        ("bytes=-5000", [(0, 999)]),
        ("BYTES = 1-2 ", [(1, 2)]),
        ("bytes=5-6,0-1", [(5, 6), (0, 1)]),
        ("bytes=0-1, ,\t2-3,,-4", [(0, 1), (2, 3), (996, 999)]),
        ("bytes=0-1,2000-", [(0, 1)]),
        ("bytes=1000-", []),
        ("bytes=-0", []),
        ("bytes=1000-1001,-0,5000-", []),
    ],
)
def test_what_can_be_served(text: str, expected: list[tuple[int, int]]) -> None:
    """In the order of the request; what is outside is left out."""
    assert spans(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5-1",
        "bytes=a-b",
        "bytes=0-1,x",
        "bytes=0-1,-",
        "bytes=+0-1",
        "bytes=0 - 1",
        "bytes=٠-1",
        "lines=1-2",
        "0-5",
        "bytes=" + "9" * 30 + "-",
        "bytes=0-5,5-9",
        "bytes=0-,0-",
        "bytes=-600,0-500",
    ],
)
def test_what_gets_the_whole(text: str) -> None:
    """Other units, nonsense, and parts that overlap."""
    assert spans(text) is None


def test_too_many_parts_get_the_whole() -> None:
    """As many as the bound are served."""
    asked = [f"{2 * number}-{2 * number}" for number in range(MOST_PARTS + 1)]
    assert spans("bytes=" + ",".join(asked)) is None
    assert len(spans("bytes=" + ",".join(asked[:-1])) or ()) == MOST_PARTS
    assert spans("bytes=" + "," * 10_000) is None


@given(
    text=st.text(max_size=40) | st.text("0123456789-, ", max_size=40).map("bytes={}".format),
    size=st.integers(min_value=1, max_value=200),
)
@example("bytes=" + "0-0," * 20_000, 1)
def test_parts_lie_in_the_body_and_apart(text: str, size: int) -> None:
    """Whatever is asked for, no answer is larger than the body."""
    parts = parse_ranges(text, size)
    taken = [byte for part in parts or () for byte in range(part.start, part.last + 1)]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(range(size))
    assert all(part.length > 0 for part in parts or ())


def test_the_frame_of_several_parts() -> None:
    """Each part behind a head that says what it is; the length is that of all of it."""
    content = bytes(range(200))
    parts = [Part(0, 2), Part(100, 3)]
    frame = frame_parts(parts, size=len(content), media_type="text/plain", boundary="BOUND")
    body = b"".join(
        head + content[part.start : part.start + part.length] for head, part in zip(frame.heads, parts, strict=True)
    )
    body += frame.tail
    assert len(body) == frame.length
    assert body == (
        b"--BOUND\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/200\r\n\r\n\x00\x01"
        b"\r\n--BOUND\r\nContent-Type: text/plain\r\nContent-Range: bytes 100-102/200\r\n\r\ndef"
        b"\r\n--BOUND--\r\n"
    )
