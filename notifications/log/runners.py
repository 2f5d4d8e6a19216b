"""What the relay runs: one runner a consumer, which holds its lease and starts it again when it fails."""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db import connection

from notifications.log import leases
from notifications.log.consume import BatchConsumer, Feed, Head, StreamConsumer, open_feed
from notifications.log.leases import DATABASE_GONE, Lease, LeaseLost
from notifications.log.places import take_consumer
from notifications.log.recent import Recent
from registryhub.database.transactions import relaxed_transaction
from registryhub.doctor.complaints import complain

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0

_logger = logging.getLogger(__name__)


def subject_of(name: str) -> str:
    """The name under which the doctor finds by what a consumer has failed."""
    return f"consumer {name}"


class Pause:
    """How long a consumer that fails is left alone: longer each time, until it succeeds."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def begin(self) -> float:
        """Begin the next pause; its length in seconds."""
        self._seconds = min(max(2 * self._seconds, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        self._until = time.monotonic() + self._seconds
        return self._seconds

    def reset(self) -> None:
        self._seconds = 0.0


class BatchRunner:
    """Hands a batch consumer its events on the relay's main thread, exactly once."""

    def __init__(self, consumer: BatchConsumer, holder: str) -> None:
        self.consumer = consumer
        self.position = 0
        self._holder = holder
        self._lease: Lease | None = None
        self._pause = Pause()

    def take(self) -> None:
        """Take the place if it is free and not held yet."""
        if self._lease is None:
            self._lease = take_consumer(self.consumer.name, holder=self._holder, start_at_head=False)
            self.position = self._lease.position if self._lease else 0

    def check(self, epochs: Mapping[Any, int]) -> None:
        """Forget the place when it is another's."""
        if self._lease is not None and epochs.get(self.consumer.name) != self._lease.epoch:
            self.lose()

    def lose(self) -> None:
        """Forget what is known of the place: what the database says counts when it is taken again."""
        self._lease = None

    def stop(self) -> None:
        if self._lease is not None:
            leases.release(self._lease)
            self._lease = None

    def step(self, recent: Recent) -> bool:
        """Deal with one batch; False when there is nothing to do now. Raises when the database is gone."""
        if self._lease is None or not self._pause.is_over:
            return False
        events = recent.after(self.position, self.consumer.batch_size)
        if not events:
            return False
        try:
            news = self.consumer.read(events)
            with relaxed_transaction():  # position and effect together: what a loss of power undoes is done again
                leases.move(self._lease, start=self.position, end=events[-1].seq)
                self.consumer.handle(news)
        except LeaseLost as lost:
            _logger.warning("consumer %s: %s", self.consumer.name, lost)
            self.lose()
            return False
        except DATABASE_GONE:
            raise
        except Exception as error:
            _logger.exception(
                "consumer %s failed after event %d; again in %.0f s",
                self.consumer.name,
                self.position,
                self._pause.begin(),
            )
            complain(subject_of(self.consumer.name), error)
            return False
        self.position = events[-1].seq
        self._pause.reset()
        return True


class StreamRunner:
    """Runs a stream consumer in a thread of its own, for as long as this process holds its place."""

    def __init__(self, consumer: StreamConsumer, *, holder: str, head: Head) -> None:
        self.consumer = consumer
        self._holder = holder
        self._head = head
        self._feed: Feed | None = None
        self._thread: threading.Thread | None = None
        self._pause = Pause()

    def take(self) -> None:
        """Take the place if it is free, and start the thread unless it runs."""
        if self.is_alive or not self._pause.is_over:
            return
        feed = open_feed(self.consumer, holder=self._holder, head=self._head)
        if feed is None:
            return
        self._feed = feed
        self._thread = threading.Thread(target=self._run, args=(feed,), name=self.consumer.name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def check(self, epochs: Mapping[Any, int]) -> None:
        """Tell the thread to stop when the place is another's, so that it need not find out by failing."""
        if self._feed is not None and epochs.get(self.consumer.name) != self._feed.lease.epoch:
            self.stop()

    def stop(self) -> None:
        """Ask the thread to end; it gives its place back by itself."""
        if self._feed is not None:
            self._feed.stop()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; False when it goes on."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.is_alive

    def _run(self, feed: Feed) -> None:
        try:
            self._consume(feed)
        finally:
            with suppress(*DATABASE_GONE):
                leases.release(feed.lease)
            connection.close()

    def _consume(self, feed: Feed) -> None:
        name = self.consumer.name
        try:
            self.consumer.run(feed)
        except LeaseLost as lost:
            _logger.warning("consumer %s: %s", name, lost)
        except DATABASE_GONE as error:
            _logger.warning("consumer %s: the database does not answer: %s", name, error)
            connection.close()
        except Exception as error:
            _logger.exception("consumer %s failed; again in %.0f s", name, self._pause.begin())
            with suppress(*DATABASE_GONE):
                complain(subject_of(name), error)
        else:
            self._pause.reset()
