"""The journal: where a pull leaves its event before the answer leaves the hub.

One append-only segment file a process, one write an event (about 2 µs), no database. A killed process loses
nothing: what was written is in the page cache, and the shipper finds the file by its free lock. A loss of power
loses at most `interval_seconds` of pulls with the policy "interval", none with "always".

Under full load the pulls of many processes get more of the machine than the one relay that counts them. So the farther
journals are ahead of their shipper, the longer an append takes: pulls become as many as are counted, and no disk fills.
"""

import atexit
import logging
import os
import threading
import time
import weakref
from functools import cache
from pathlib import Path
from typing import Literal

from django.conf import settings

from notifications.log.segments import Segment, create_segment, sync_folder, waiting_seconds

Policy = Literal["never", "interval", "always"]

SEGMENT_BYTES = 1 << 20
MAX_SEGMENT_BYTES = 4 * SEGMENT_BYTES
SEGMENT_SECONDS = 0.2
BEHIND_SECONDS = 0.25
"""So long a finished segment may wait for the shipper before appends are slowed down."""

_PAUSE_A_SECOND = 0.005
_MAX_PAUSE_SECONDS = 0.005

_logger = logging.getLogger(__name__)


class JournalUnavailable(Exception):
    """The event could not be written (disk full, no permission …): answer 503, the client tries again."""


class Journal:
    """This process's end of the journal. Thread-safe, and safe to use after a fork.

    A thread of its own, the tender, syncs what was written and finishes segments; an idle journal costs nothing.
    """

    def __init__(self, folder: Path, *, fsync: Policy, interval_seconds: float) -> None:
        self._folder = folder
        self._fsync = fsync
        self._tick_seconds = min(interval_seconds, SEGMENT_SECONDS) if fsync == "interval" else SEGMENT_SECONDS
        self._begin()
        _journals.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()  # over the current segment
        self._tending = threading.Lock()  # over segments that are being synced or closed
        self._segment: Segment | None = None
        self._finished: list[Segment] = []  # take no more events, and wait to be synced and closed
        self._has_news = False
        self._pause_seconds = 0.0
        self._wake = threading.Event()
        self._tender: threading.Thread | None = None

    def append(self, line: bytes) -> None:
        """Write one event (JSON without a line break); it will be in the log exactly once.

        Waits up to 5 ms when the shipper is far behind.

        Raises JournalUnavailable, and then nothing of it is left; ValueError for a line with a line break.
        """
        if b"\n" in line:
            raise ValueError("a journal line holds no line break")
        with self._lock:
            try:
                segment = self._segment or self._open()
                segment.append(line + b"\n", sync=self._fsync == "always")
            except OSError as error:
                if self._segment is not None and not self._segment.is_sound:
                    self._finish()
                raise JournalUnavailable(f"the journal in {self._folder} cannot be written: {error}") from error
            if not self._has_news or segment.size >= SEGMENT_BYTES:
                self._has_news = True
                self._wake.set()
            if segment.size >= MAX_SEGMENT_BYTES:  # the tender gets no turn
                self._finish()
        if self._pause_seconds:
            time.sleep(self._pause_seconds)

    def close(self) -> None:
        """Finish the segment so that the shipper takes it at once. A later append opens a new one."""
        with self._lock:
            self._finish()
            tender, self._tender = self._tender, None
            self._wake.set()
        if tender is not None:
            tender.join()
        self._close_finished()

    def forget(self) -> None:
        """In a forked child: leave what is open to the parent."""
        for segment in (self._segment, *self._finished):
            if segment is not None:
                segment.forget()
        self._begin()

    def _open(self) -> Segment:
        if self._tender is None:
            self._tender = threading.Thread(target=self._tend, name="journal-tender", daemon=True)
            self._tender.start()
        self._segment = self._create()
        return self._segment

    def _create(self) -> Segment:
        segment = create_segment(self._folder)
        if self._fsync != "never":
            sync_folder(self._folder)
        return segment

    def _finish(self) -> None:
        if self._segment is not None:
            self._finished.append(self._segment)
            self._segment = None
        self._has_news = False

    def _tend(self) -> None:
        wake = self._wake
        while self._tender is threading.current_thread():
            wake.wait(self._tick_seconds if self._has_news else None)
            wake.clear()
            try:
                self._rotate_or_sync()
                self._pause_seconds = pause_seconds(waiting_seconds(self._folder))
            except OSError:
                _logger.exception("the journal in %s: a segment could not be synced or followed", self._folder)

    def _rotate_or_sync(self) -> None:
        segment = self._segment
        if segment is not None and _is_due(segment):
            self._rotate(segment)
        elif segment is not None and self._fsync == "interval":
            self._sync(segment)
        self._close_finished()

    def _rotate(self, segment: Segment) -> None:
        """Put a fresh segment in its place, made outside the lock; without one (disk full) the next append tries."""
        fresh: Segment | None = None
        try:
            fresh = self._create()
        finally:
            with self._lock:
                if self._segment is segment:
                    self._finish()
                    self._segment = fresh
                elif fresh is not None:  # closed or followed in the meantime
                    self._finished.append(fresh)

    def _sync(self, segment: Segment) -> None:
        """After a failure the kernel has forgotten what was not written: no more events go to this file."""
        with self._tending:
            try:
                segment.sync()
            except OSError:
                with self._lock:
                    if self._segment is segment:
                        self._finish()
                raise

    def _close_finished(self) -> None:
        with self._tending:
            while self._finished:
                segment = self._finished.pop()
                try:
                    if self._fsync == "interval" and segment.size:
                        segment.sync()
                except OSError:
                    _logger.exception("the journal segment %s could not be synced", segment.path)
                finally:
                    segment.close()


def pause_seconds(behind_seconds: float) -> float:
    """How long an append waits when the shipper is so far behind."""
    return min(max(behind_seconds - BEHIND_SECONDS, 0.0) * _PAUSE_A_SECOND, _MAX_PAUSE_SECONDS)


def _is_due(segment: Segment) -> bool:
    if segment.size == 0:
        return False
    return segment.size >= SEGMENT_BYTES or time.monotonic() - segment.opened_at >= SEGMENT_SECONDS


_journals: "weakref.WeakSet[Journal]" = weakref.WeakSet()


def _forget_all() -> None:
    for journal in _journals:
        journal.forget()


os.register_at_fork(after_in_child=_forget_all)


@cache
def local_journal() -> Journal:
    """This process's journal under DATA_DIR; nothing is opened before the first event."""
    policy = settings.HUB.hub.journal
    journal = Journal(settings.DATA_DIR / "journal", fsync=policy.fsync, interval_seconds=policy.interval_seconds)
    atexit.register(journal.close)
    return journal
