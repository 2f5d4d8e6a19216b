"""`python -m tests.bench.flood KIND COUNT`: very many events for the database of a hub.

KIND is `store` (into the intake, as another registry would send them) or `yardstick`: the same events written by COPY
into a table like the log's, and parsed and counted in plain Python by the same rules; it prints the seconds of both.
The events are of the last hour: a crowd of clients pulls from 50,000 repositories with 200,000 tags, of a few often.
"""

import json
import os
import random
import sys
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
django.setup()

import orjson  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from notifications import events  # noqa: E402
from notifications.analytics.reading import HOUR_SECONDS, Name, read  # noqa: E402
from notifications.analytics.sessions import judge  # noqa: E402
from notifications.analytics.sums import Cell, Place, Sums  # noqa: E402
from notifications.log import intake  # noqa: E402
from notifications.log.consume import LoggedEvent  # noqa: E402
from registryhub.access.models import Source  # noqa: E402
from registryhub.database.bulk import Values, insert_rows, moment_adapter  # noqa: E402

SOURCE = "flood"
REPOSITORIES = 50_000
TAGS_EACH = 4
CLIENTS = 20_000
ENVELOPE_EVENTS = 1000
AGENTS = (
    "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.1.0 os/linux arch/amd64",
    "containerd/v1.7.22",
    "cri-o/1.30.0 go/go1.22.1 os/linux arch/amd64",
    "containers/5.30.0 (github.com/containers/image)",
    "Trivy/0.55.0",
)
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_BLOB = "application/octet-stream"


_WEIGHTS = list(accumulate(1 / (rank + 3) ** 0.8 for rank in range(REPOSITORIES)))


def pick_repository(chance: random.Random) -> int:
    """The lower its number, the more often."""
    return bisect(_WEIGHTS, chance.random() * _WEIGHTS[-1])


def repository_name(number: int) -> str:
    return f"team-{number % 500}/app-{number}"


_SPREAD = timedelta(hours=1)
"""As registries send them. What is of a day that is over is added to its day too, so more would depend on the clock."""


class Flood:
    """The events, the same ones each time."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._count = count
        self._step = _SPREAD / count
        self._begin = datetime.now(UTC).replace(microsecond=0) - _SPREAD
        self._chance = random.Random(seed)

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._count):
            yield orjson.dumps(self._document(number))

    def _document(self, number: int) -> dict[str, object]:
        chance = self._chance
        repository = pick_repository(chance)
        tag = chance.randrange(TAGS_EACH)
        kind = chance.random()
        is_blob, is_push = kind < 0.3, kind > 0.98
        method = "PUT" if is_push else "HEAD" if 0.3 <= kind < 0.45 else "GET"
        client = chance.randrange(CLIENTS)
        target: dict[str, object] = {
            "mediaType": _BLOB if is_blob else _MANIFEST,
            "digest": f"sha256:{repository * TAGS_EACH + tag:064x}",
            "size": 1_000_000 if is_blob else 1000,
            "repository": repository_name(repository),
        }
        if not is_blob:
            target["tag"] = f"v{tag}"
        return {
            "id": f"{number:032x}",
            "timestamp": events.format_timestamp(self._begin + number * self._step),
            "action": "push" if is_push else "pull",
            "target": target,
            "request": {
                "id": f"r-{number}",
                "addr": f"10.{client >> 16}.{client >> 8 & 255}.{client & 255}:{4000 + number % 60_000}",
                "host": "elsewhere.example",
                "method": method,
                "useragent": AGENTS[client % len(AGENTS)],
            },
            "actor": {},
            "source": {"addr": "elsewhere:5000", "instanceID": "00000000-0000-4000-8000-000000000001"},
        }


def store(count: int) -> None:
    """An intake row each thousand of them."""
    source, _ = Source.objects.get_or_create(name=SOURCE)
    flood = iter(Flood(count))
    while envelope := list(islice(flood, ENVELOPE_EVENTS)):
        raw = b'{"events":[%b]}' % b",".join(envelope)
        with transaction.atomic():
            intake.store(source_id=source.pk, kind="distribution", raw=raw)


def measure(count: int) -> dict[str, float]:
    """The yardstick: seconds of COPY, and seconds of parsing and counting."""
    raws = list(Flood(count))
    begun = time.perf_counter()
    parsed = [_parse(seq, raw) for seq, raw in enumerate(raws, 1)]
    _count(parsed)
    counting = time.perf_counter() - begun
    rows = [_row(event) for event in parsed]
    _make_table()
    begun = time.perf_counter()
    for start in range(0, count, 10_000):
        with transaction.atomic():
            insert_rows("bench_event", LoggedEvent._fields, rows[start : start + 10_000])
    return {"copy": time.perf_counter() - begun, "count": counting}


def _parse(seq: int, raw: bytes) -> LoggedEvent:
    event = events.parse(raw)
    return LoggedEvent(
        seq,
        1,
        event.id,
        event.timestamp,
        event.timestamp,
        event.action,
        event.repository,
        event.tag,
        event.digest,
        event.media_type,
        event.size,
        event.actor,
        event.address,
        event.user_agent,
        event.method,
        event.from_repository,
        raw.decode(),
    )


def _count(parsed: Sequence[LoggedEvent]) -> Sums:
    """By hour, of repositories, tags, manifests and uses; nothing is looked up and nothing kept for later."""
    sums = Sums()
    ids: dict[Name, Place] = {}
    for start in range(0, len(parsed), 5000):
        batch = read(parsed[start : start + 5000])
        for name in batch.names:
            ids.setdefault(name, Place(len(ids), 1, True))
        for transfer, amount in batch.transfers.items():
            sums.add_transfer(ids[transfer.name], transfer, amount)
        for visitor, visit in batch.visits.items():
            for act, times in judge(visit.asks).items():
                hour = act.second // HOUR_SECONDS
                place = ids[visitor.name]
                sums.add_cell(Cell(place, hour, act.action, act.tag, act.digest, visit.client, visit.actor), times)
    return sums


def _row(event: LoggedEvent) -> Values:
    stored = moment_adapter()
    if stored is None:
        return event
    return (*event[:3], stored(event.occurred_at), stored(event.received_at), *event[5:])


def _make_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_event")
        if connection.vendor == "postgresql":
            cursor.execute("CREATE TABLE bench_event (LIKE log_event INCLUDING ALL)")
            return
        cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'log_event' AND sql <> '' ORDER BY type DESC")
        for (statement,) in cursor.fetchall():
            cursor.execute(statement.replace("log_event", "bench_event").replace('INDEX "', 'INDEX "bench_', 1))


def main(kind: str, count: str) -> None:
    if kind == "store":
        store(int(count))
    else:
        print(json.dumps(measure(int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
