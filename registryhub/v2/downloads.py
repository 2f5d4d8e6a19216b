"""The bodies that blobs leave in: in one piece, as they are read, or as several parts (RFC 9110 §14.6).

What is returned has read its first bytes, so that whoever announces a pull then knows that there is one.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from registryhub.http.ranges import Frame
from registryhub.storage.base import Reader

SMALL_BYTES = 1 << 18


class Download:
    """A body on its way out; closing it closes its readers."""

    def __init__(self, readers: Sequence[Reader], first: bytes, rest: Iterator[bytes]) -> None:
        self._readers = readers
        self._first = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._rest

    def close(self) -> None:
        close_all(self._readers)


def read_one(reader: Reader, length: int) -> bytes | Download:
    """A small body whole, a large one as it is read."""
    if length <= SMALL_BYTES:
        try:
            return b"".join(reader)
        finally:
            reader.close()
    chunks = iter(reader)
    return Download([reader], next(chunks), chunks)


def read_several(readers: Sequence[Reader], frame: Frame) -> Download:
    """The parts that the readers read, each behind its head."""
    chunks = iter(readers[0])
    others = (chain((head,), reader) for head, reader in zip(frame.heads[1:], readers[1:], strict=True))
    rest = chain(chunks, chain.from_iterable(others), (frame.tail,))
    return Download(readers, frame.heads[0] + next(chunks), rest)


def close_all(readers: Sequence[Reader]) -> None:
    """Let go of the files, whoever has read what of them."""
    for reader in readers:
        reader.close()
