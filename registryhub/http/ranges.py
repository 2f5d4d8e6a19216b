"""Parts of a body: the `Range` header, and the frame of several parts in one answer (RFC 9110 §14)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_PARTS = 16
"""More ranges in one request are nobody's download; the answer is the whole."""

_UNIT = re.compile(r"[ \t]*bytes[ \t]*=(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a body, counted from 0."""

    start: int
    length: int

    @property
    def last(self) -> int:
        return self.start + self.length - 1

    def content_range(self, size: int) -> str:
        """The `Content-Range` of this part of a body of `size` bytes."""
        return f"bytes {self.start}-{self.last}/{size}"


def parse_ranges(text: str, size: int) -> list[Part] | None:
    """The parts asked for, in the order of the request; those outside the body are left out, so there may be none: 416.

    None: the whole, as RFC 9110 allows, for other units, what cannot be read, more than MOST_PARTS, and parts that
    overlap (together they may be larger than the body).
    """
    found = _UNIT.fullmatch(text)
    if found is None:
        return None
    asked = [item.strip() for item in found[1].split(",", 4 * MOST_PARTS) if item.strip()]
    if not 0 < len(asked) <= MOST_PARTS:
        return None
    parts = []
    for item in asked:
        part = _read_part(item, size)
        if part is None:
            return None
        if part.length > 0:
            parts.append(part)
    return None if _overlap(parts) else parts


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the parts of a multipart/byteranges body. `length` is that of all of it with the parts."""

    heads: list[bytes]
    tail: bytes
    length: int


def frame_parts(parts: Sequence[Part], *, size: int, media_type: str, boundary: str) -> Frame:
    """The frame of parts of a body of `size` bytes; the boundary must not occur in them."""
    head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: "
    heads = [f"{head}{part.content_range(size)}\r\n\r\n".encode() for part in parts]
    heads[1:] = [b"\r\n" + following for following in heads[1:]]
    tail = f"\r\n--{boundary}--\r\n".encode()
    return Frame(heads, tail, sum(map(len, heads)) + sum(part.length for part in parts) + len(tail))


def _read_part(text: str, size: int) -> Part | None:
    """What is there of `0-9`, `10-` or `-5`: no byte when it begins behind the end. None for what is no range."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    first, last = found.groups()
    if not (first or last) or (first and last and int(last) < int(first)):
        return None
    if not first:
        length = min(int(last), size)
        return Part(size - length, length)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return Part(start, max(end - start + 1, 0))


def _overlap(parts: Sequence[Part]) -> bool:
    ordered = sorted(parts, key=lambda part: part.start)
    return any(after.start <= before.last for before, after in pairwise(ordered))
