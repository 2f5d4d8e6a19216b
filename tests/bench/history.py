"""`python -m tests.bench.history load COUNT`: the log of 90 days of a busy hub, by COPY; `recount` counts it.

The same crowd as in `flood`, but of clients that do all that one pull takes: they look whether the image has changed,
and get manifest and blobs if it has. There is less at night and at the end of the week, and more from month to month;
what is popular changes. Every place in the log stands at its end, as if all had been dealt with; that nothing has been
counted yet is for `recount`, which prints its seconds and the peak of its memory.
"""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil, pi, sin
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from notifications import facts  # noqa: E402
from notifications.log import partitions, places, seen  # noqa: E402
from notifications.log.consume import LoggedEvent  # noqa: E402
from notifications.log.listing import read_head  # noqa: E402
from notifications.log.models import Consumer, LogHead, SourceTally  # noqa: E402
from registryhub.access.models import HUB_SOURCE_ID  # noqa: E402
from registryhub.database.bulk import Values, insert_rows, moment_adapter  # noqa: E402
from registryhub.oci.media_types import OCI_MANIFEST  # noqa: E402
from tests.bench.flood import AGENTS, CLIENTS, REPOSITORIES, TAGS_EACH, pick_repository, repository_name  # noqa: E402

DAYS = 90
ACTORS = 200
"""So many of the clients have names; they come more often."""
_AT_ONCE = 10_000
_BLOB = "application/octet-stream"
_LAYERS = 5
_VISITS = (
    (0.20, ("check",)),
    (0.20, ("check", "pull")),
    (0.56, ("check", "pull", *["blob"] * (1 + _LAYERS))),
    (0.04, ("upload", "upload", "push")),
)
_ACTIONS = {"check": "check", "pull": "pull", "blob": "pull", "upload": "push", "push": "push"}
_METHODS = {"check": "HEAD", "pull": "GET", "blob": "GET", "upload": "PUT", "push": "PUT"}
_OFFSETS = [timedelta(milliseconds=400 * step) for step in range(2 + 1 + _LAYERS)]
_PLATFORMS = [facts.encode(facts.Facts(platforms=(name,))).decode() for name in ("linux/amd64", "linux/arm64")]
_RAW = (
    '{"id":"%s","timestamp":"%sZ","action":"%s","target":{"mediaType":"%s","digest":"%s","size":%d,"length":%d,'
    '"repository":"%s"%s},"request":{"id":"","addr":"%s","method":"%s","useragent":"%s"},"actor":%s,'
    '"source":{"addr":"","instanceID":""}}'
)


class History:
    """So many events, the same ones for the same `end`; the first one has the number `seq`."""

    def __init__(self, count: int, end: datetime, seq: int) -> None:
        self._count = count
        self._begin = end - timedelta(days=DAYS)
        self._seq = seq
        self._chance = random.Random(1)

    def __iter__(self) -> Iterator[LoggedEvent]:
        return islice(self._events(), self._count)

    def _events(self) -> Iterator[LoggedEvent]:
        hours = [self._begin + timedelta(hours=hour) for hour in range(DAYS * 24)]
        weights = [_busyness(hour) * (1 + number / 2000) for number, hour in enumerate(hours)]
        first, together = self._seq, 0.0
        for number, (begin, weight) in enumerate(zip(hours, weights, strict=True)):
            together += weight
            left = first + ceil(self._count * together / sum(weights)) - self._seq
            for visit in self._visits(begin, left, number // (24 * 7)):
                yield from visit

    def _visits(self, begin: datetime, left: int, week: int) -> Iterator[list[LoggedEvent]]:
        done = 0
        while done < left:
            visit = self._visit(begin + timedelta(hours=done / left), week)
            done += len(visit)
            yield visit

    def _visit(self, moment: datetime, week: int) -> list[LoggedEvent]:
        chance = self._chance
        repository = pick_repository(chance)
        if repository % 3 == 0:
            repository = (repository + 30 * week) % REPOSITORIES
        tag = min(chance.randrange(TAGS_EACH), chance.randrange(TAGS_EACH))
        is_named = chance.random() < 0.1
        client = chance.randrange(ACTORS) if is_named else chance.randrange(ACTORS, CLIENTS)
        (steps,) = chance.choices(_STEPS, cum_weights=_CUMULATED)
        return [
            self._event(step, at, moment + _OFFSETS[at], repository, tag, client)
            for at, step in enumerate(steps)
        ]  # fmt: skip

    def _event(self, step: str, at: int, moment: datetime, repository: int, tag: int, client: int) -> LoggedEvent:
        seq = self._seq
        self._seq += 1
        is_manifest = step in ("check", "pull", "push")
        image = repository * TAGS_EACH + tag
        digest = f"sha256:{image:064x}" if is_manifest else f"sha256:b{image * 10 + at:063x}"
        media_type, size = (OCI_MANIFEST, 1000) if is_manifest else (_BLOB, 1_000_000 * at)
        name, tagged = repository_name(repository), f"v{tag}" if step in ("check", "push") else ""
        actor = f"robot-{client}" if client < ACTORS else ""
        action, method, agent = _ACTIONS[step], _METHODS[step], AGENTS[client % len(AGENTS)]
        address = f"10.{client >> 16}.{client >> 8 & 255}.{client & 255}:{4000 + seq % 60_000}"
        id_ = f"019a0000-0000-7000-8000-{seq:012x}"
        known = _PLATFORMS[tag == TAGS_EACH - 1] if is_manifest else ""
        raw = _RAW % (
            *(id_, moment.isoformat()[:-6], action, media_type, digest, size, size, name),
            *(f',"tag":"{tagged}"' if tagged else "", address, method, agent),
            f'{{"name":"{actor}"}}' if actor else "{}",
        )
        return LoggedEvent(
            *(seq, HUB_SOURCE_ID, id_, moment, moment, action, name, tagged, digest, media_type, size, actor),
            *(address, agent, method, "", raw, known),
        )


_STEPS = [steps for _, steps in _VISITS]
_CUMULATED = [sum(share for share, _ in _VISITS[: at + 1]) for at in range(len(_VISITS))]


def _busyness(hour: datetime) -> float:
    return (0.4 if hour.weekday() > 4 else 1.0) * (1 + 0.6 * sin((hour.hour - 8) * pi / 12))


def load(count: int) -> None:
    """Into the log, its places after it."""
    now, first = datetime.now(UTC).replace(microsecond=0), read_head() + 1
    cutoff = now - timedelta(seconds=settings.HUB.hub.log.seen_seconds)
    events = iter(History(count, now, first))
    while some := list(islice(events, _AT_ONCE)):
        partitions.make_room(some[-1].seq)
        with transaction.atomic():
            insert_rows("log_event", LoggedEvent._fields, _stored(some))
            insert_rows("log_seenevent", seen.COLUMNS, _remembered(some, cutoff))
    head = first + count - 1
    with transaction.atomic():
        LogHead.objects.filter(pk=1).update(position=head)
        for name in Consumer.objects.values_list("name", flat=True):
            places.jump(name, head)
        tally = {"events": head, "forgotten_to": cutoff, "last_received_at": now, "last_occurred_at": now}
        SourceTally.objects.update_or_create(source_id=HUB_SOURCE_ID, defaults=tally)
    _analyze()


def recount() -> dict[str, float]:
    """How long it took, and the most memory that it had."""
    begun = time.monotonic()
    call_command("recount")
    seconds = time.monotonic() - begun
    _analyze()
    return {"seconds": seconds, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _stored(events: Sequence[LoggedEvent]) -> Sequence[Values]:
    adapt = moment_adapter()
    if adapt is None:
        return events
    return [(*event[:3], adapt(event.occurred_at), adapt(event.received_at), *event[5:]) for event in events]


def _remembered(events: Sequence[LoggedEvent], cutoff: datetime) -> Sequence[Values]:
    adapt: Any = moment_adapter() or _as_it_is
    recent = [event for event in events if event.received_at >= cutoff]
    return [(event.source_id, event.event_id, adapt(event.received_at)) for event in recent]


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _analyze() -> None:
    """What autovacuum would have done by now."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def main(kind: str, *arguments: str) -> None:
    if kind == "load":
        load(int(*arguments))
    else:
        print(json.dumps(recount()))


if __name__ == "__main__":
    main(*sys.argv[1:])
