"""The end of a log: many pulls, some pushes, and endpoints at their places in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random

from notifications import events
from notifications.delivery.definitions.changes import create_endpoint, rotate_secret
from notifications.delivery.models import Endpoint
from notifications.log import partitions
from notifications.log.models import Consumer, Event, LogHead
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.media_types import OCI_MANIFEST
from tests.believable.plan import PLANS, Plan

FIRST = 18_401_700
"""The number of the first event that is kept."""

PULLS = 400
_ADDRESSES = ("10.20.1.7", "10.20.1.9", "10.20.4.31", "10.30.0.5")
_CLIENTS = ("containerd/2.1.4", "docker/28.3.2 go/go1.24", "skopeo/1.19", "kubelet/v1.33.1")

Digests = Mapping[str, Mapping[str, str]]


def fill_log(digests: Digests, now: datetime, chance: Random) -> int:
    """Pushes of all tags and pulls of the last hours, in order; the number of the last one."""
    found = sorted([*_pushes(digests, now), *_pulls(digests, now, chance)], key=lambda event: event.timestamp)
    partitions.make_room(FIRST + len(found))
    Event.objects.bulk_create(_row(FIRST + at, event) for at, event in enumerate(found))
    head = FIRST + len(found) - 1
    LogHead.objects.update_or_create(pk=1, defaults={"position": head})
    return head


def fill_endpoints(head: int, now: datetime) -> None:
    """Two that are well, one that backs off, and one that was made in the UI and is paused."""
    typed, _ = create_endpoint(
        {
            "name": "release-notes",
            "url": "https://notes.example.com/hooks/images",
            "face": "standard",
            "headers": {"Authorization": "Bearer 4f1c"},
            "ignore": {"actions": ["pull", "mount"]},
            "maxbackoff": "5m",
        }
    )
    Endpoint.objects.filter(pk=typed.pk).update(is_paused=True)
    rotate_secret(typed)
    Consumer.objects.filter(name=typed.consumer_name).update(position=head - PULLS - 12)
    _endpoint("ci-trigger", "https://ci.example.com/hooks/registry", head, now, successes=184_220)
    _endpoint("audit-lake", "https://lake.example.com/v1/events", head, now, successes=1_284_901, failures=3)
    _endpoint(
        "chat-bridge",
        "https://chat.example.com/hooks/6f1",
        head - 23,
        now,
        successes=9_120,
        failures=48,
        consecutive_failures=12,
        last_failure_at=now - timedelta(seconds=9),
        next_try_at=now + timedelta(seconds=21),
        backoff_seconds=30.0,
        last_error="answered 503 Service Unavailable",
    )


def _endpoint(name: str, url: str, position: int, now: datetime, **fields: object) -> Endpoint:
    lease = {"holder": "relay-1", "epoch": 4, "expires_at": now + timedelta(days=1)}
    Consumer.objects.create(name=f"endpoint:{name}", position=position, **lease)
    times = {"last_success_at": now - timedelta(seconds=4), "created_at": now - timedelta(days=200)}
    return Endpoint.objects.create(name=name, url=url, **{**times, **fields})


def _pushes(digests: Digests, now: datetime) -> Iterator[events.Event]:
    for plan in PLANS:
        for number, (tag, digest) in enumerate(digests[plan.name].items()):
            yield _event(plan, "push", tag, digest, plan.moved_at(number, now), actor="ci", client="buildkit/v0.23")


def _pulls(digests: Digests, now: datetime, chance: Random) -> Iterator[events.Event]:
    here = [plan for plan in PLANS if digests[plan.name]]
    for plan in chance.choices(here, [plan.pulls_a_day for plan in here], k=PULLS):
        tag = chance.choice(list(digests[plan.name]))
        moment = now - timedelta(seconds=20 + chance.expovariate(1 / 900))
        client = chance.choice(_CLIENTS)
        action: events.Action = "check" if chance.random() < 0.25 else "pull"
        yield _event(plan, action, tag, digests[plan.name][tag], moment, actor="nodes", client=client, chance=chance)


def _event(
    plan: Plan,
    action: events.Action,
    tag: str,
    digest: str,
    moment: datetime,
    *,
    actor: str,
    client: str,
    chance: Random | None = None,
) -> events.Event:
    return events.Event(
        id=events.new_id(),
        timestamp=moment,
        action=action,
        repository=plan.name,
        tag=tag,
        digest=digest,
        media_type=OCI_MANIFEST,
        size=1_469,
        address=chance.choice(_ADDRESSES) if chance else "10.20.9.2",
        host="registry.example.com",
        method="PUT" if action == "push" else "GET",
        user_agent=client,
        actor=actor,
    )


def _row(seq: int, event: events.Event) -> Event:
    return Event(
        seq=seq,
        source_id=HUB_SOURCE_ID,
        event_id=event.id,
        occurred_at=event.timestamp,
        received_at=event.timestamp,
        action=event.action,
        repository=event.repository,
        tag=event.tag,
        digest=event.digest,
        media_type=event.media_type,
        size=event.size,
        actor=event.actor,
        address=event.address,
        user_agent=event.user_agent,
        method=event.method,
        raw=events.encode(event).decode(),
    )
