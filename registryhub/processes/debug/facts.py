"""The collector of metrics: what the parts of the hub tell, read anew at most once in a while.

The facts are rows, so one process knows those of all, and none of its counters begins again after a restart.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from django.conf import settings
from django.utils.module_loading import import_string
from prometheus_client import Metric
from prometheus_client.core import InfoMetricFamily
from prometheus_client.registry import Collector

from registryhub.version import VERSION

KEPT_SECONDS = 2.0


class Facts(Collector):
    """Asks each of settings.METRICS, and gives the same answer for `kept_seconds`, to however many who scrape."""

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._parts: list[Callable[[], Iterable[Metric]]] = [import_string(path) for path in settings.METRICS]
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._known: Sequence[Metric] = ()
        self._read_at: float | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be registered must not need the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Raises database errors; then nothing is known, and the next one who asks tries again."""
        with self._lock:
            now = time.monotonic()
            if self._read_at is None or now - self._read_at >= self._kept_seconds:
                self._known = [_build(), *(metric for part in self._parts for metric in part())]
                self._read_at = now
            return self._known


def _build() -> Metric:
    return InfoMetricFamily("registryhub_build", "The version that runs.", value={"version": VERSION})
