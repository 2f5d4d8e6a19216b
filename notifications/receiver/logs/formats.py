"""Which logs are understood, and what a line of them becomes."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from notifications import events
from notifications.log.readers import ReadEvent, Reading, Unreadable
from notifications.receiver.logs import combined, registry
from notifications.receiver.logs.requests import Answered, InvalidLine, tell

LINE_READERS: dict[str, Callable[[bytes], Answered | None]] = {
    "combined": combined.read_line,
    "registry": registry.read_line,
}
EVENTS = "events"
"""The format of files that are no logs."""
DEFAULT_PREFIX = "/v2/"


@dataclass(frozen=True, slots=True)
class Log:
    """How a file is read. `origin` tells the file from others of the source, also when it has grown."""

    format: str
    origin: str
    prefix: str = DEFAULT_PREFIX


def detect(lines: Iterable[bytes]) -> str:
    """The format of a file by its first lines.

    What a registry prints may be both: its own log has more to tell, so that the access log among it is left out.
    """
    is_access_log = False
    for line in lines:
        if _is_read_by(registry.read_line, line):
            return "registry"
        is_access_log = is_access_log or _is_read_by(combined.read_line, line)
    return "combined" if is_access_log else EVENTS


def read_line(log: Log, number: int, line: bytes) -> Reading | None:
    """The event of a line; None when it is of no image, such as lines of the other kind of log."""
    try:
        answered = LINE_READERS[log.format](line)
        document = answered and tell(answered, prefix=log.prefix)
        if not answered or not document:
            return None
        document = {**document, "id": _name(log, number, line, answered), "original": _original(log, line)}
        return ReadEvent(orjson.dumps(document), events.from_document(document))
    except events.InvalidEvent as error:
        return Unreadable(line, str(error))
    except InvalidLine as error:
        return None if _is_of_another(log, line) else Unreadable(line, str(error))


def origin_of(first_line: bytes) -> str:
    return hashlib.sha256(first_line).hexdigest()


def _name(log: Log, number: int, line: bytes, answered: Answered) -> str:
    """The same whenever the file is brought in, under whatever name; another for a line that says the same."""
    if answered.request_id:
        return f"request {answered.request_id}"[: events.MAX_ID_LENGTH]
    return hashlib.sha256(b"%b %d %b" % (log.origin.encode(), number, line)).hexdigest()


def _original(log: Log, line: bytes) -> dict[str, Any]:
    return {"format": log.format, "line": line.decode("utf-8", "replace")}


def _is_of_another(log: Log, line: bytes) -> bool:
    if log.format == "combined":
        return registry.looks_like(line)
    return _is_read_by(combined.read_line, line)


def _is_read_by(reader: Callable[[bytes], Answered | None], line: bytes) -> bool:
    try:
        return reader(line) is not None
    except InvalidLine:
        return False
