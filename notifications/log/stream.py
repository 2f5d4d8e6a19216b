"""The log as it grows: server-sent events, each with its number, by which a client that was cut off goes on."""

import threading
import time
from collections.abc import Generator, Iterator
from typing import Any

import orjson
from django.db import connection

from notifications.log.consume import Head
from notifications.log.documents import document
from notifications.log.leases import DATABASE_GONE
from notifications.log.listing import User, list_events, read_head, read_tail
from registryhub.access.visibility import sees_everything
from registryhub.database.transactions import release_connection

STREAM_SECONDS = 60.0
"""Then the client comes again: so nobody keeps a thread, or rights that were taken away, for longer."""
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 0.25
EVENTS_AT_ONCE = 100
_RETRY_MS = 1000


class Watch:
    """Tells the streams of this process that there is more: one thread looks for all of them, and only while any is."""

    def __init__(self) -> None:
        self._head = Head()
        self._lock = threading.Lock()
        self._open = 0
        self._is_looking = False
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """Let every stream come to its end: the process is told to stop, and clients come again by themselves."""
        self._is_closed = True
        self._head.wake()

    @property
    def position(self) -> int:
        return self._head.position

    def enter(self, most: int) -> bool:
        """Take a place for a stream, to be left again; False when `most` are taken."""
        with self._lock:
            if self._open >= most:
                return False
            self._open += 1
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="watch", daemon=True).start()
            return True

    def leave(self) -> None:
        with self._lock:
            self._open -= 1

    def wait(self, position: int, seconds: float) -> bool:
        """Until the log reaches beyond a position, or all streams end; False when the seconds are over first."""
        return self._head.wait(lambda: self._is_closed or self._head.position > position, seconds)

    def _look(self) -> None:
        while self._has_streams():
            try:
                self._head.reach(read_head())
                release_connection()
            except DATABASE_GONE:  # whoever reads what is new finds out, and is told
                connection.close()
            time.sleep(LOOK_SECONDS)
        connection.close()

    def _has_streams(self) -> bool:
        with self._lock:
            self._is_looking = self._open > 0
            return self._is_looking


watch = Watch()


class Stream:
    """The body of an answer; it has a place of the watch, and leaves it when it is closed.

    Events come in order, each once, and none is left out. What the user may not see, or did not ask for, moves the
    number too, so that whoever comes again is not read the same millions for nothing.
    """

    def __init__(self, user: User, after: int | None, **wanted: Any) -> None:
        self._user = user
        self._wanted = wanted
        self._position = read_head() if after is None else after
        self._told = self._position
        self._parts = self._run()
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """Give the place back, once, also when nothing was ever read."""
        if self._is_open:
            self._is_open = False
            watch.leave()
            self._parts.close()

    def _run(self) -> Generator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        yield from self._losses()
        deadline = time.monotonic() + STREAM_SECONDS
        while (left := deadline - time.monotonic()) > 0 and not watch.is_closed:
            known = watch.position
            is_idle = True
            for part in self._read():
                is_idle = False
                yield part
            if is_idle and not watch.wait(known, min(left, HEARTBEAT_SECONDS)):
                yield b": waiting\n\n"
                yield from self._place()
        yield from self._place()

    def _losses(self) -> Iterator[bytes]:
        """Tell a client that comes after too long a time how much it has missed for good."""
        lost = read_tail() - 1 - self._position
        if lost > 0:
            yield b'event: lost\ndata: {"events":%d}\n\n' % lost

    def _read(self) -> Iterator[bytes]:
        """What there is of the log, up to a number of events; nothing at its head."""
        page = list_events(self._user, after=self._position, limit=EVENTS_AT_ONCE, **self._wanted)
        with_people = sees_everything(self._user)
        parts = [_part(event.seq, document(event, with_people=with_people)) for event in page.events]
        release_connection()
        if parts:
            yield b"".join(parts)
            self._told = page.events[-1].seq
        self._position = max(self._position, page.head if page.next is None else page.next)
        if page.next is not None:
            yield from self._place()

    def _place(self) -> Iterator[bytes]:
        """A number without an event: clients keep it, and hand nothing on."""
        if self._position > self._told:
            self._told = self._position
            yield b"id: %d\n\n" % self._position


def _part(seq: int, content: dict[str, Any]) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, orjson.dumps(content))
