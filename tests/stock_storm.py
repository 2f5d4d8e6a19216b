"""Another registry reports here while one process of the hub after the other is killed; then both books agree."""

import json
from collections import Counter
from functools import partial

from tests.servers.databases import Databases
from tests.servers.docker_registry import DockerRegistry, endpoint
from tests.servers.hub import Hub
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.storm import NUMBERS, Books, rage, repository_of

SOURCE = "stock"
CLIENTS = 8
_DRAIN_SECONDS = 180.0
_PROGRESS_SECONDS = 30.0


def run_stock_storm(databases: Databases, seconds: float) -> str:
    """Clients pull from and push to docker-registry, which sends its events to the hub until they are taken.

    Raises AssertionError when one is missing, was counted twice, or is told otherwise when counted again. A summary.
    """
    with Hub(new_folder("hub"), databases) as hub:
        webhook = endpoint(
            "hub", f"{hub.url}/api/v1/events", headers={"Authorization": f"Bearer {hub.create_source(SOURCE)}"}
        )
        with DockerRegistry(new_folder("stock"), endpoints=[webhook]) as stock:
            books, kills = rage(hub, stock.port, clients=CLIENTS, seconds=seconds)
            _wait_until_reported(stock)
        hub.wait_until_drained(_DRAIN_SECONDS)
        assert len(kills) == 6, f"not everyone was killed: {kills}"
        _check_log(hub, books)
        _check_numbers(hub, books)
    return f"{sum(map(len, books.answered.values()))} requests answered by the other registry, killed: {dict(kills)}"


def _wait_until_reported(stock: DockerRegistry) -> None:
    """It sends one event at a time, more slowly than its clients pull: as long as fewer and fewer wait, all is well."""
    while before := stock.pending_events():
        assert wait_until(partial(_has_fewer_than, stock, before), _PROGRESS_SECONDS, 0.2), f"{before} stay there"


def _has_fewer_than(stock: DockerRegistry, pending: int) -> bool:
    return stock.pending_events() < pending


def _check_log(hub: Hub, books: Books) -> None:
    """Each request that the other registry has answered is in the log once, and the log has no gap.

    Where clients push at once it refuses some: what it refused it does not tell of.
    """
    seen: Counter[tuple[str, str]] = Counter()
    numbers: list[int] = []
    for event in hub.events():
        numbers.append(event["seq"])
        if event["source"] == SOURCE and event["request"]["useragent"].startswith("storm-"):
            seen[event["action"], event["request"]["useragent"]] += 1
    assert numbers == list(range(1, len(numbers) + 1)), "the sequence has gaps"
    reported = {"check": "pull"}  # with the method HEAD
    done = Counter((reported.get(action, action), name) for action, names in books.answered.items() for name in names)
    assert seen == done, f"lost {list(done - seen)[:10]}, twice {list(seen - done)[:10]}"


def _check_numbers(hub: Hub, books: Books) -> None:
    """The counters of each repository are what was done with it, and stay so when all is counted again."""
    expected = Counter({(repository_of(number), "pushes"): 1 for number in range(CLIENTS)})
    for number in range(4, CLIENTS):  # who comes second to a repository pushes the same tag again
        expected[repository_of(number), "pushes"] += 1
    for action, column in NUMBERS.items():
        for name in books.answered[action]:
            expected[repository_of(int(name.split("-")[1])), column] += 1
    names = sorted({name for name, _ in expected})
    found = {name: hub.repository(name, SOURCE) for name in names}
    assert {(name, key): found[name][key] for name, key in expected} == dict(expected)
    live = json.loads(hub.module("tests.notifications.analytics.tables"))
    hub.command("recount")
    assert json.loads(hub.module("tests.notifications.analytics.tables")) == live
