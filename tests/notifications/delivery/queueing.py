"""A queue behind an endpoint that is down: how long it gets, what it costs, and how it empties."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from notifications.delivery.definitions.pauses import resume_endpoint
from notifications.delivery.models import Attempt, Endpoint
from notifications.log.models import Consumer
from tests.notifications.delivery.relays import SendingRelay
from tests.notifications.delivery.stage import log_events, start_at
from tests.servers.proc import peak_memory_bytes, reset_peak_memory
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import Received, WebhookReceiver

_MIB = 1 << 20
_CHUNK = 10_000
_NUMBER = re.compile(rb'"event-(\d+)"')


@dataclass(slots=True)
class Arrivals:
    """What one path has accepted: how far in the order, how much came again, how much out of order."""

    last: int = 0
    repeated: int = 0
    misplaced: list[int] = field(default_factory=list)


class OrderReceiver(WebhookReceiver):
    """Keeps no bodies, only how the numbers of the events came, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: dict[str, Arrivals] = {}

    def remember(self, request: Received) -> None:
        if request.answered != 200:
            return
        found = self.arrivals.setdefault(request.path, Arrivals())
        for match in _NUMBER.finditer(request.body):
            number = int(match[1])
            if number == found.last + 1:
                found.last = number
            elif number <= found.last:
                found.repeated += 1
            else:
                found.misplaced.append(number)

    def has(self, path: str, count: int) -> bool:
        return path in self.arrivals and self.arrivals[path].last >= count


class Emptied(NamedTuple):
    """How many events a second arrived, and the most memory that the relay had meanwhile, in MiB."""

    rate: float
    peak: float


@dataclass(frozen=True, slots=True)
class Summary:
    """`others` is of the endpoint that was up while the other was `down`, which is of that one when it came back.

    Disk is bytes an event in the log, indexes included; memory at rest is in MiB.
    """

    count: int
    memory_at_rest: float
    others: Emptied
    down: Emptied
    disk_an_event: float
    failed_attempts: int
    arrivals: dict[str, Arrivals]

    def __str__(self) -> str:
        return (
            f"{self.count:,} events queued; relay {self.memory_at_rest:.0f} MiB at rest, at most {self.others.peak:.0f}"
            f" while one endpoint was down and {self.down.peak:.0f} while its queue emptied;"
            f" {self.others.rate:,.0f}/s in batches to the other endpoint meanwhile, {self.down.rate:,.0f}/s one by one"
            f" afterwards; {self.disk_an_event:,.0f} bytes an event in the log, none an endpoint;"
            f" {self.failed_attempts} attempts failed"
        )


def run_queue(count: int, folder: Path, timeout_seconds: float) -> Summary:
    """Let one endpoint be down while another gets so many events; then let it come back.

    Raises AssertionError when either takes longer than the timeout.
    """
    before = _disk_bytes()
    for _ in range(0, count, _CHUNK):
        log_events(min(_CHUNK, count))
    disk = (_disk_bytes() - before) / count
    with OrderReceiver() as receiver:
        receiver.answer_with(503, "/down")
        start_at(0, *_NAMES)
        rows = [Endpoint.objects.create(name=name, is_paused=True) for name in _NAMES]
        with SendingRelay(folder, "relay", [_endpoint(receiver, name) for name in _NAMES]) as relay:
            _wait(lambda: not _is_behind(count), timeout_seconds)
            reset_peak_memory(relay.pid)
            at_rest = peak_memory_bytes(relay.pid) / _MIB
            for row in rows:
                resume_endpoint(row)
            others, down = [_empty(relay, receiver, path, count, timeout_seconds) for path in ("/up", "/down")]
    failed = Attempt.objects.filter(endpoint__name="down", is_success=False).count()
    return Summary(count, at_rest, others, down, disk, failed, receiver.arrivals)


def _empty(relay: SendingRelay, receiver: OrderReceiver, path: str, count: int, timeout_seconds: float) -> Emptied:
    """Let a path take what comes, until it has everything."""
    reset_peak_memory(relay.pid)
    receiver.answer_with(200, path)
    begun = time.monotonic()
    _wait(lambda: receiver.has(path, count), timeout_seconds)
    return Emptied(count / (time.monotonic() - begun), peak_memory_bytes(relay.pid) / _MIB)


_NAMES = ("down", "up")


def _endpoint(receiver: WebhookReceiver, name: str) -> dict[str, Any]:
    """Quick to back off; the one that is up gets batches, the other one event a request."""
    keys = {"face": "batch" if name == "up" else "distribution", "threshold": 3, "backoff": "100ms", "timeout": "5s"}
    return {"name": name, "url": receiver.url_of(f"/{name}"), **keys}


def _is_behind(count: int) -> bool:
    """Whether a consumer that sends nothing has not seen all of the log yet."""
    return Consumer.objects.exclude(name__startswith="endpoint:").filter(position__lt=count).exists()


def _wait(is_over: Callable[[], bool], seconds: float) -> None:
    assert wait_until(is_over, seconds, 0.05)


def _disk_bytes() -> int:
    """What the database takes; on SQLite with the write-ahead log folded in."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
