"""Old envelopes and logs in files, brought in like what comes by HTTP: stored raw, in pieces, and understood later.

A piece of a file is an intake row: a line of JSON that says where it is from, and then its lines.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from notifications.log.readers import Reading, Unreadable
from notifications.receiver.adapters import reader
from notifications.receiver.adapters.split import split
from notifications.receiver.logs.formats import DEFAULT_PREFIX, EVENTS, Log, detect, origin_of, read_line

KIND = "file"
PIECE_BYTES = 512 << 10
PIECE_LINES = 1000
LOOKED_AT_LINES = 1000
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
    log: Log | None = None

    def encode(self) -> bytes:
        head = {"file": self.file, "first": self.first, "unit": self.unit}
        if self.log:
            head["log"] = asdict(self.log)
        return b"\n".join([orjson.dumps(head), *self.lines])


def read(raw: bytes) -> Sequence[Reading]:
    """The events of a piece, for settings.INTAKE_READERS; of what is none the reason says where it stands."""
    first, *lines = raw.split(b"\n")
    head = orjson.loads(first)
    log = Log(**head["log"]) if "log" in head else None
    piece = Piece(head["file"], head["first"], head["unit"], lines, log)
    found: list[Reading] = []
    for number, line in enumerate(lines, piece.first):
        if line.strip():
            found += _read_logged(piece, log, number, line) if log else _read_events(piece, number, line)
    return found


def find_log(path: Path, *, format: str, prefix: str = DEFAULT_PREFIX, limit_bytes: int) -> Log | None:  # noqa: A002
    """How the file is to be read; None when it holds events and is no log. `format` "" is for what it looks like.

    Raises OSError.
    """
    lines: list[bytes] = []
    with suppress(EOFError, gzip.BadGzipFile), _opened(path) as file:  # a break is told of when it is come to
        lines.extend(islice(iter(lambda: file.readline(limit_bytes), b""), LOOKED_AT_LINES))
    found = format or detect(line.rstrip(b"\r\n") for line in lines)
    return None if found == EVENTS else Log(found, origin_of(lines[0] if lines else b""), prefix)


def cut(path: Path, *, done: int, limit_bytes: int, log: Log | None = None) -> Iterator[Piece]:
    """The pieces of a file without the first `done` lines. Raises FileRefused and OSError.

    It is a log, holds an envelope or an event a line, or is one JSON document; gzip or not.
    """
    document = None
    if log is None:
        with _opened(path) as file:
            document = _read_document(file, limit_bytes)
    if document is not None:
        pieces = [piece.replace(b"\n", b" ") for piece in split(document)]
        yield from _pieces(path, "event", iter(pieces), done)
        return
    with _opened(path) as file:
        for piece in _pieces(path, "line", _lines(path, file, limit_bytes), done):
            yield replace(piece, log=log)


def set_aside(piece: Piece) -> tuple[Piece, int]:
    """The piece of a log with empty lines for those that are of no image, and how many these are."""
    if piece.log is None:
        return piece, 0
    lines = [
        line if not line.strip() or read_line(piece.log, number, line) else None
        for number, line in enumerate(piece.lines, piece.first)
    ]
    return replace(piece, lines=[line or b"" for line in lines]), lines.count(None)


def fingerprint(path: Path, log: Log | None = None) -> str:
    """By which a file is known again, whatever its name, when it is read in the same way. Raises OSError."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
    if log:
        found.update(orjson.dumps([log.format, log.prefix]))
    return found.hexdigest()


def _read_events(piece: Piece, number: int, line: bytes) -> Iterable[Reading]:
    return [_placed(reading, f"{piece.file}, {piece.unit} {number}") for reading in reader.read(line)]


def _read_logged(piece: Piece, log: Log, number: int, line: bytes) -> Iterable[Reading]:
    """What cannot be read keeps its place, to be read alone one day."""
    reading = read_line(log, number, line)
    if not isinstance(reading, Unreadable):
        return [reading] if reading else []
    alone = replace(piece, first=number, lines=[line])
    return [Unreadable(alone.encode(), f"{piece.file}, {piece.unit} {number}: {reading.reason}", KIND)]


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
