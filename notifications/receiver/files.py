"""Old envelopes in files, brought in like those that come by HTTP: stored raw, in pieces, and understood later.

A piece of a file is an intake row: a line of JSON that says where it is from, and then its lines.
"""

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from notifications.log.readers import Reading, Unreadable
from notifications.receiver.adapters import reader
from notifications.receiver.adapters.split import split

KIND = "file"
PIECE_BYTES = 512 << 10
PIECE_LINES = 1000
_GZIP = b"\x1f\x8b"


class FileRefused(ValueError):
    """The file cannot be brought in; the text says where it fails and what to do instead."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of a file from number `first` on; `unit` says what they are in it: a line, or an event of one document."""

    file: str
    first: int
    unit: str
    lines: Sequence[bytes]

    def encode(self) -> bytes:
        head = {"file": self.file, "first": self.first, "unit": self.unit}
        return b"\n".join([orjson.dumps(head), *self.lines])


def read(raw: bytes) -> Sequence[Reading]:
    """The events of a piece, for settings.INTAKE_READERS; of what is none the reason says where it stands."""
    first, *lines = raw.split(b"\n")
    head = orjson.loads(first)
    found: list[Reading] = []
    for number, line in enumerate(lines, head["first"]):
        place = f"{head['file']}, {head['unit']} {number}"
        found += [_placed(reading, place) for reading in reader.read(line)] if line.strip() else []
    return found


def cut(path: Path, *, done: int, limit_bytes: int) -> Iterator[Piece]:
    """The pieces of a file without the first `done` lines. Raises FileRefused and OSError.

    It holds an envelope or an event a line, or is one JSON document; gzip or not.
    """
    with _opened(path) as file:
        document = _read_document(file, limit_bytes)
    if document is not None:
        pieces = [piece.replace(b"\n", b" ") for piece in split(document)]
        yield from _pieces(path, "event", iter(pieces), done)
        return
    with _opened(path) as file:
        yield from _pieces(path, "line", _lines(path, file, limit_bytes), done)


def fingerprint(path: Path) -> str:
    """By which a file is known again, whatever its name. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _placed(reading: Reading, place: str) -> Reading:
    if isinstance(reading, Unreadable):
        return Unreadable(reading.raw, f"{place}: {reading.reason}", "distribution")
    return reading


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not is_packed:
            yield file
            return
        with gzip.open(file) as unpacked:
            yield cast(BinaryIO, unpacked)


def _read_document(file: BinaryIO, limit_bytes: int) -> bytes | None:
    """The whole file if it is one JSON document of several lines; None when it is to be read by lines."""
    try:
        first = file.readline(limit_bytes)
        if _is_json(first):
            return None
        whole = first + file.read(limit_bytes)
    except (EOFError, OSError):  # a gzip file that was cut short: its lines are told one by one
        return None
    return whole if _is_json(whole) else None


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _lines(path: Path, file: BinaryIO, limit_bytes: int) -> Iterator[bytes]:
    number = 0
    try:
        while line := file.readline(limit_bytes + 1):
            number += 1
            if len(line) > limit_bytes:
                raise FileRefused(
                    f"{path.name}, line {number}: longer than {limit_bytes} bytes; raise hub.limits.envelope_bytes"
                )
            yield line.rstrip(b"\r\n")
    except (EOFError, gzip.BadGzipFile) as error:
        raise FileRefused(
            f"{path.name}: broken after line {number}, what comes before it was taken: {error}"
        ) from error


def _pieces(path: Path, unit: str, lines: Iterator[bytes], done: int) -> Iterator[Piece]:
    first = done + 1
    piece: list[bytes] = []
    size = 0
    try:
        for line in islice(lines, done, None):
            piece.append(line)
            size += len(line)
            if size >= PIECE_BYTES or len(piece) >= PIECE_LINES:
                yield Piece(path.name, first, unit, piece)
                first, piece, size = first + len(piece), [], 0
    except FileRefused:
        if piece:
            yield Piece(path.name, first, unit, piece)
        raise
    if piece:
        yield Piece(path.name, first, unit, piece)
