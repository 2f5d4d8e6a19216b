"""A log with events in it, and endpoints that work it off in threads as the relay would run them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Endpoint
from notifications.events import Action, encode
from notifications.events import Event as WireEvent
from notifications.log.consume import Feed, Head, StreamConsumer, open_feed
from notifications.log.models import Consumer, Event, LogHead
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.config.hub import Events
from registryhub.config.notifications import Endpoint as Configured
from registryhub.config.notifications import Notifications
from tests.servers.server import wait_until

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def configured(name: str, url: str, **keys: Any) -> Configured:
    """An endpoint as `config.yml` would say it; quick to back off unless told otherwise."""
    return Configured.model_validate({"name": name, "url": url, "threshold": 2, "backoff": "100ms", **keys})


def configure(wrapper: Settings, *endpoints: Configured, **events: Any) -> None:
    """Let the configuration have these endpoints and these settings of `hub.events`."""
    hub = settings.HUB.hub.model_copy(update={"events": Events.model_validate(events)})
    notifications = Notifications(endpoints=tuple(endpoints))
    wrapper.HUB = settings.HUB.model_copy(update={"hub": hub, "notifications": notifications})


def log_events(count: int = 1, **fields: Any) -> list[Event]:
    """Put so many events at the end of the log: pushes of a manifest by this hub, unless `fields` say otherwise."""
    head, _ = LogHead.objects.get_or_create(pk=1)
    rows = [_row(head.position + number, **fields) for number in range(1, count + 1)]
    Event.objects.bulk_create(rows)
    LogHead.objects.filter(pk=1).update(position=head.position + count)
    return rows


def _row(
    seq: int,
    *,
    source_id: int = HUB_SOURCE_ID,
    action: str = "push",
    repository: str = "lib/img",
    media_type: str = MANIFEST,
    **fields: Any,
) -> Event:
    event = WireEvent(
        id=f"event-{seq}",
        timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        action=cast(Action, action),
        repository=repository,
        media_type=media_type,
        method="GET" if action in ("pull", "check") else "PUT",
    )
    return Event(
        seq=seq,
        source_id=source_id,
        event_id=event.id,
        occurred_at=event.timestamp,
        received_at=fields.pop("received_at", timezone.now()),
        action=action,
        repository=event.repository,
        media_type=media_type,
        method=event.method,
        raw=encode(event).decode(),
        **fields,
    )


@dataclass(frozen=True, slots=True)
class Relay:
    """Runs the consumers of all configured endpoints, each in a thread, over one head."""

    head: Head
    feeds: dict[str, Feed]
    failures: list[BaseException]

    def announce(self) -> None:
        """Say that the log has grown."""
        self.head.reach(LogHead.objects.get(pk=1).position)

    def position(self, name: str) -> int:
        return Consumer.objects.get(name=f"endpoint:{name}").position

    def wait_for(self, name: str, position: int, timeout_seconds: float = 20.0) -> None:
        """Until the endpoint's saved position is there. Raises AssertionError after the timeout."""
        if not wait_until(lambda: self.position(name) >= position, timeout_seconds):
            raise AssertionError(f"endpoint {name} is at {self.position(name)}, not {position}; {self.failures}")


@contextmanager
def relay(holder: str = "relay") -> Iterator[Relay]:
    """Raises what a consumer raised."""
    head = Head()
    running = Relay(head, {}, [])
    threads = [_start(running, consumer, holder) for consumer in consumers()]
    running.announce()
    try:
        yield running
    finally:
        for feed in running.feeds.values():
            feed.stop()
        for thread in threads:
            thread.join()
    if running.failures:
        raise running.failures[0]


def _start(running: Relay, consumer: StreamConsumer, holder: str) -> threading.Thread:
    feed = open_feed(consumer, holder=holder, head=running.head)
    assert feed is not None
    running.feeds[consumer.name] = feed
    thread = threading.Thread(target=_run, args=(running, consumer, feed), name=consumer.name)
    thread.start()
    return thread


def _run(running: Relay, consumer: StreamConsumer, feed: Feed) -> None:
    try:
        consumer.run(feed)
    except Exception as failure:
        running.failures.append(failure)
    finally:
        connections.close_all()


def start_at(position: int, *names: str) -> None:
    """Let the endpoints' places in the log exist already, at this position."""
    for name in names:
        Consumer.objects.update_or_create(name=f"endpoint:{name}", defaults={"position": position})


def endpoint(name: str) -> Endpoint:
    return Endpoint.objects.get(name=name)


def ids(events: Sequence[dict[str, Any]]) -> list[int]:
    """The numbers in the ids of received events."""
    return [int(event["id"].removeprefix("event-")) for event in events]
