"""Nobody works on the log meanwhile: no relay, of this machine or another one, so nobody writes to the tree either."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import getpid
from typing import TypeVar

from django.db import connection

from notifications.log import leases, sequence
from notifications.log.consume import Feed, Head, open_feed
from notifications.log.leases import DATABASE_GONE, LEASE_SECONDS
from notifications.log.sequence import Sequencer
from registryhub.registry.tree.consumers import consumers

Place = TypeVar("Place")

_LOOK_EVERY_SECONDS = 0.2


class StillServed(Exception):
    """A relay works, so a hub runs; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """What is held: the head of the log, and the place of the tree's consumer, None where `hub.tree` is off."""

    sequencer: Sequencer
    head: Head
    feed: Feed | None


@contextmanager
def standstill() -> Iterator[Standstill]:
    """Raises StillServed. The leases of a process that was killed run out after a few seconds: they are waited for."""
    holder = f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}"
    is_over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(holder, is_over), name="renewing", daemon=True)
    renewing.start()
    try:
        sequencer = _take(lambda: sequence.lead(holder))
        try:
            head = Head()
            head.reach(sequencer.head)
            feeds = [_take(lambda: open_feed(each, holder=holder, head=head)) for each in consumers()]  # noqa: B023
            try:
                yield Standstill(sequencer, head, feeds[0] if feeds else None)
            finally:
                for feed in feeds:
                    leases.release(feed.lease)
        finally:
            leases.release(sequencer.lease)
    finally:
        is_over.set()
        renewing.join()


def _take(take: Callable[[], Place | None]) -> Place:
    deadline = time.monotonic() + LEASE_SECONDS + 1
    while (place := take()) is None:
        if time.monotonic() > deadline:
            raise StillServed("a hub runs on this database, here or on another machine: stop it first")
        time.sleep(_LOOK_EVERY_SECONDS)
    return place


def _renew(holder: str, is_over: threading.Event) -> None:
    while not is_over.wait(LEASE_SECONDS / 3):
        with suppress(*DATABASE_GONE):
            leases.renew(holder)
    connection.close()
