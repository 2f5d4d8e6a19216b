"""What a batch of events has in it for the counters, before anything is looked up. No database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from notifications import facts
from notifications.analytics.classify import COUNTED, Deed, ask, deed, happened_at
from notifications.analytics.clients import Client, recognise
from notifications.analytics.identity import hash_visitor, host_of
from notifications.analytics.sessions import Ask, Kind
from notifications.labels import find_rollout, label_key
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID

HOUR_SECONDS = 3600

_ROLLOUT = Client("docker", "deploy", "")

Name = tuple[int, str]
"""A repository: source and name."""


class Visitor(NamedTuple):
    """A client of a repository; `key` is a hash of who it is and with which program it asks."""

    name: Name
    key: int


@dataclass(slots=True)
class Visit:
    """The manifests that a visitor asked for. `who` is a name or an address, `actor` only a name."""

    client: Client
    who: str
    actor: str
    asks: dict[Ask, int] = field(default_factory=dict)


class Transfer(NamedTuple):
    """What counts for the same whatever stands around it; `hour` is counted since 1970. Empty text means absent."""

    name: Name
    hour: int
    deed: Deed
    client: Client
    platform: str = ""
    tag: str = ""
    digest: str = ""
    actor: str = ""


@dataclass(slots=True)
class Amount:
    """How often, and how many bytes."""

    times: int = 0
    size: int = 0


@dataclass(slots=True)
class Clocks:
    """The latest of each kind; None for never."""

    pulled: datetime | None = None
    seen: datetime | None = None
    pushed: datetime | None = None


class Thing(NamedTuple):
    """What has clocks: a repository, a tag or a manifest in it."""

    name: Name
    tag: str = ""
    digest: str = ""


@dataclass(slots=True)
class Batch:
    """What the events of a batch come to."""

    visits: dict[Visitor, Visit] = field(default_factory=dict)
    transfers: dict[Transfer, Amount] = field(default_factory=dict)
    clocks: dict[Thing, Clocks] = field(default_factory=dict)

    @property
    def names(self) -> set[Name]:
        return {visitor.name for visitor in self.visits} | {transfer.name for transfer in self.transfers}


@dataclass(slots=True)
class Alike:
    """Events that say the same, within a second. `who` is a name or an address."""

    event: LoggedEvent
    second: int
    who: str
    times: int
    size: int
    latest: datetime


def read(events: Iterable[LoggedEvent]) -> Batch:
    """The events that count for something."""
    batch = Batch()
    for alike in _group(events):
        event = alike.event
        done = deed(event.action, method=event.method, media_type=event.media_type, tag=event.tag)
        if done is not None:
            _READERS[done](batch, alike, done)
    return batch


def _group(events: Iterable[LoggedEvent]) -> Iterable[Alike]:
    """In a crowd most events are alike: who polls, or a herd behind one address, costs little."""
    found: dict[tuple[object, ...], Alike] = {}
    for event in events:
        moment = happened_at(event.occurred_at, event.received_at)
        second = int(moment.timestamp())
        who = event.actor or host_of(event.address)
        asked = (
            event.source_id,
            event.repository,
            event.tag,
            event.digest,
            event.media_type,
            event.action,
            event.method,
        )
        key = (second, asked, who, bool(event.actor), event.user_agent, event.facts)
        alike = found.get(key)
        if alike is None:
            found[key] = Alike(event, second, who, 1, event.size, moment)
            continue
        alike.times += 1
        alike.size += event.size
        if moment > alike.latest:
            alike.latest = moment
    return found.values()


def note_pull(clocks: dict[Thing, Clocks], thing: Thing, moment: datetime) -> None:
    """Somebody has got it at that moment."""
    found = _clocks(clocks, thing)
    if found.pulled is None or moment > found.pulled:
        found.pulled = moment


def _read_request(batch: Batch, alike: Alike, done: Deed) -> None:
    event = alike.event
    known = facts.parse(event.facts)
    is_get = done == "pull"
    asked = ask(alike.second, event.tag, event.digest, event.media_type, is_get=is_get, known=known)
    name = (event.source_id, event.repository)
    client = _client(event)
    visitor = Visitor(name, hash_visitor(alike.who, event.user_agent))
    visit = batch.visits.get(visitor)
    if visit is None:
        visit = batch.visits[visitor] = Visit(client, alike.who, event.actor)
    visit.asks[asked] = visit.asks.get(asked, 0) + alike.times
    is_counted = client.audience in COUNTED
    if is_get:
        platform = _platform(known, client) if asked.kind == Kind.IMAGE and is_counted else ""
        _add(batch, Transfer(name, alike.second // HOUR_SECONDS, done, client, platform), alike)
    if client.audience != "deploy":
        is_pull = is_get and is_counted and asked.kind != Kind.ATTACHED
        for thing in _things(name, event):
            _note_look(batch.clocks, thing, alike.latest, is_pull=is_pull)


def _read_push(batch: Batch, alike: Alike, done: Deed) -> None:
    event = alike.event
    name = (event.source_id, event.repository)
    client = recognise(event.user_agent)
    hour = alike.second // HOUR_SECONDS
    _add(batch, Transfer(name, hour, done, client, tag=event.tag, digest=event.digest, actor=event.actor), alike)
    for thing in _things(name, event):
        found = _clocks(batch.clocks, thing)
        if found.pushed is None or alike.latest > found.pushed:
            found.pushed = alike.latest


def _read_transfer(batch: Batch, alike: Alike, done: Deed) -> None:
    event = alike.event
    name = (event.source_id, event.repository)
    _add(batch, Transfer(name, alike.second // HOUR_SECONDS, done, _client(event)), alike)


_READERS = {
    "pull": _read_request,
    "check": _read_request,
    "push": _read_push,
    "blob": _read_transfer,
    "mount": _read_transfer,
}


def _add(batch: Batch, transfer: Transfer, alike: Alike) -> None:
    amount = batch.transfers.get(transfer)
    if amount is None:
        amount = batch.transfers[transfer] = Amount()
    amount.times += alike.times
    if transfer.deed in ("pull", "blob"):
        amount.size += alike.size


def _note_look(clocks: dict[Thing, Clocks], thing: Thing, moment: datetime, *, is_pull: bool) -> None:
    found = _clocks(clocks, thing)
    if found.seen is None or moment > found.seen:
        found.seen = moment
    if is_pull and (found.pulled is None or moment > found.pulled):
        found.pulled = moment


def _clocks(clocks: dict[Thing, Clocks], thing: Thing) -> Clocks:
    found = clocks.get(thing)
    if found is None:
        found = clocks[thing] = Clocks()
    return found


def _things(name: Name, event: LoggedEvent) -> list[Thing]:
    things = [Thing(name)]
    if event.tag:
        things.append(Thing(name, tag=event.tag))
    if event.digest:
        things.append(Thing(name, digest=event.digest))
    return things


def _client(event: LoggedEvent) -> Client:
    """Our own roll-outs are told by a label that only the hub can make."""
    if event.source_id == HUB_SOURCE_ID and event.user_agent:
        key = label_key(settings.SECRET_KEY)
        if find_rollout(key, repository=event.repository, user_agent=event.user_agent) is not None:
            return _ROLLOUT
    return recognise(event.user_agent)


def _platform(known: facts.Facts, client: Client) -> str:
    return known.platforms[0] if len(known.platforms) == 1 else client.platform
