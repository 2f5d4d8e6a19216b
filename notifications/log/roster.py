"""Who listens to the log now: settings.EVENT_CONSUMERS, asked again and again, and a runner for each."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.log.consume import BatchConsumer, Head, StreamConsumer
from notifications.log.leases import DATABASE_GONE
from notifications.log.runners import BatchRunner, StreamRunner

Consumer = BatchConsumer | StreamConsumer

_logger = logging.getLogger(__name__)


class Roster:
    """The runners of one relay. All methods belong to the relay's main thread."""

    def __init__(self, *, holder: str, head: Head) -> None:
        self._holder = holder
        self._head = head
        self._sources = [_Source(path) for path in settings.EVENT_CONSUMERS]
        self._batches: dict[str, BatchRunner] = {}
        self._streams: dict[str, StreamRunner] = {}

    @property
    def batches(self) -> Sequence[BatchRunner]:
        """The runners of batch consumers, in order of importance."""
        return list(self._batches.values())

    def refresh(self) -> None:
        """Ask who listens, start newcomers, stop whom nobody names any more, and take what is free."""
        wanted = {consumer.name: consumer for source in self._sources for consumer in source.consumers()}
        self._refresh_batches({name: each for name, each in wanted.items() if isinstance(each, BatchConsumer)})
        self._refresh_streams({name: each for name, each in wanted.items() if isinstance(each, StreamConsumer)})

    def check(self, epochs: Mapping[Any, int]) -> None:
        """Compare with the leases that this relay still holds, as place → epoch."""
        for batch in self._batches.values():
            batch.check(epochs)
        for stream in self._streams.values():
            stream.check(epochs)

    def lose(self) -> None:
        """The database was away: what is held must be taken again."""
        for runner in self._batches.values():
            runner.lose()

    def ask_to_stop(self) -> None:
        """Tell every thread to come to an end; does not wait and needs no database."""
        for runner in self._streams.values():
            runner.stop()

    def stop(self, seconds: float) -> None:
        """Give every place back. A thread that does not end in time leaves its place to the end of its lease."""
        self.ask_to_stop()
        deadline = time.monotonic() + seconds
        for name, runner in self._streams.items():
            if not runner.join(max(0.0, deadline - time.monotonic())):
                _logger.warning("consumer %s does not stop; its place comes free when its lease runs out", name)
        for batch in self._batches.values():
            batch.stop()

    def _refresh_batches(self, wanted: Mapping[str, BatchConsumer]) -> None:
        for name in self._batches.keys() - wanted.keys():
            self._batches.pop(name).stop()
        runners = {
            name: self._batches.get(name) or BatchRunner(consumer, self._holder) for name, consumer in wanted.items()
        }
        self._batches = runners
        for name, runner in runners.items():
            runner.consumer = wanted[name]
            runner.take()

    def _refresh_streams(self, wanted: Mapping[str, StreamConsumer]) -> None:
        for name in self._streams.keys() - wanted.keys():
            self._streams[name].stop()
            if not self._streams[name].is_alive:
                del self._streams[name]
        for name, consumer in wanted.items():
            runner = self._streams.setdefault(name, StreamRunner(consumer, holder=self._holder, head=self._head))
            if runner.consumer.revision != consumer.revision:
                runner.stop()
            runner.consumer = consumer
            runner.take()


class _Source:
    """One entry of settings.EVENT_CONSUMERS; when it fails, what it said before goes on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._find: Callable[[], Sequence[Consumer]] = import_string(path)
        self._last: Sequence[Consumer] = ()

    def consumers(self) -> Sequence[Consumer]:
        try:
            self._last = self._find()
        except DATABASE_GONE:
            raise
        except Exception:
            _logger.exception("%s does not say who listens", self._path)
        return self._last
