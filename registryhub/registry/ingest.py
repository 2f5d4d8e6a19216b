"""The way of a request's body: through a hasher into the storage driver, chunk by chunk."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from queue import Queue
from uuid import UUID

from registryhub.http.request import BodyReader
from registryhub.oci.digests import Hasher
from registryhub.storage.base import CHUNK_BYTES, Appender

CHECK_BYTES = 64 << 20
"""How much streams between two looks at the room that is left."""

LONG_BYTES = 4 << 20
_CHUNKS_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Incoming:
    """A body, and how many bytes it promised (None: as many as come).

    `may_exceed` is set where the promise is not the transfer's own length, so that more could follow.
    """

    body: BodyReader
    promised_bytes: int | None
    may_exceed: bool = False

    def chunks(self) -> Iterator[bytes]:
        """At most what was promised; fewer when the client hangs up."""
        if self.promised_bytes is None:
            yield from iter(lambda: self.body.read(CHUNK_BYTES), b"")
            return
        left = self.promised_bytes
        while left and (chunk := self.body.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk

    def is_exceeded(self) -> bool:
        """Whether more follows what was promised and has been read."""
        return self.may_exceed and bool(self.body.read(1))


def receive(incoming: Incoming, appender: Appender, hasher: Hasher | None, check: Callable[[], None]) -> int:
    """Store the body and return how many bytes came. `check` may refuse to go on, by raising."""
    count = 0
    checked = 0
    with closing(_Writing(appender)) as writing:
        for chunk in incoming.chunks():
            writing.write(chunk)
            if hasher is not None:
                hasher.update(chunk)
            count += len(chunk)
            if count - checked >= CHECK_BYTES:
                checked = count
                check()
    return count


class _Writing:
    """Writes as the body comes; once it proves long, in a thread of its own beside reading and hashing.

    With two processors that took a quarter off the time of a large upload; a small one would only pay for the thread.
    """

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._left = LONG_BYTES
        self._chunks: Queue[bytes | None] = Queue(_CHUNKS_AHEAD)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def write(self, chunk: bytes) -> None:
        """Raises what the appender has raised for this chunk or an earlier one."""
        if self._error is not None:
            raise self._error
        if self._thread is not None:
            self._chunks.put(chunk)
            return
        self._appender.write(chunk)
        self._left -= len(chunk)
        if self._left <= 0:
            self._thread = threading.Thread(target=self._follow, name="writing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait until all is written; raises what the appender has raised."""
        if self._thread is not None:
            self._chunks.put(None)
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _follow(self) -> None:
        """After an error it goes on taking chunks, so that nobody waits for a place in the queue."""
        for chunk in iter(self._chunks.get, None):
            if self._error is None:
                self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        try:
            self._appender.write(chunk)
        except BaseException as error:
            self._error = error


class RunningHashers:
    """The hashers of unfinished uploads that this process wrote to last, so that their next chunk reads nothing again.

    Only a shortcut: an upload that moves to another process, or falls out here, is read once more at its end.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._hashers: OrderedDict[UUID, Hasher] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: UUID, offset: int) -> Hasher | None:
        """The hasher that has seen exactly the first `offset` bytes of the upload; now the caller's own."""
        with self._lock:
            hasher = self._hashers.pop(upload_id, None)
        return hasher if hasher is not None and hasher.size == offset else None

    def keep(self, upload_id: UUID, hasher: Hasher) -> None:
        with self._lock:
            self._hashers[upload_id] = hasher
            while len(self._hashers) > self._size:
                self._hashers.popitem(last=False)
