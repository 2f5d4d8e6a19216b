"""The storm: clients pull and push while one process of the hub after the other is killed, and then the books
must balance.

Every request bears a name of its own in its User-Agent, so that each answered one can be found in the log.
"""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.pushing import push_image
from tests.servers.databases import Databases
from tests.servers.docker_registry import endpoint
from tests.servers.hub import Hub
from tests.servers.images import MANIFEST_TYPE, Image, make_image
from tests.servers.proc import Process, descendants, is_alive
from tests.servers.run import new_folder
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import Received, WebhookReceiver
from tests.wire import Reply, Wire, WireError

CLIENTS = 16
NUMBERS = {"pull": "pulls", "check": "checks", "push": "pushes"}
"""What counts each action; a request with a name of its own belongs together with no other."""
KILL_EVERY_SECONDS = 2.0
_PAUSE_SECONDS = 0.01  # a client's, between two requests: bounds what has to be remembered
_ORPHANS_MAY_LIVE_SECONDS = 5.0
_DRAIN_SECONDS = 120.0


class IdReceiver(WebhookReceiver):
    """Remembers only which events came, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()

    def remember(self, request: Received) -> None:
        self.ids.update(event["id"] for event in request.events())


@dataclass(slots=True)
class Books:
    """What the clients know: the names of answered requests by action, and how many got no answer."""

    answered: dict[str, set[str]] = field(
        default_factory=lambda: {action: set() for action in ("pull", "check", "push")}
    )
    unanswered: int = 0
    refusals: list[str] = field(default_factory=list)

    def add(self, other: "Books") -> None:
        for action, names in other.answered.items():
            self.answered[action] |= names
        self.unanswered += other.unanswered
        self.refusals += other.refusals


class Client(threading.Thread):
    """Pulls, looks and pushes in turn until told to stop. What is answered wrongly is a refusal, a 503 is none."""

    def __init__(self, number: int, port: int, image: Image, stop: threading.Event) -> None:
        super().__init__(name=f"client {number}")
        self.books = Books()
        self._number = number
        self._image = image
        self._stop_event = stop
        self._port = port

    @property
    def repository(self) -> str:
        return repository_of(self._number)

    def run(self) -> None:
        with Wire(self._port, timeout_seconds=30) as wire:
            for count in itertools.count():
                if self._stop_event.wait(_PAUSE_SECONDS):
                    return
                action = ("push", "pull", "check", "pull")[count % 4]
                try:
                    self._act(wire, action, f"storm-{self._number}-{count}")
                except WireError:
                    self.books.unanswered += 1
                    time.sleep(0.05)

    def _act(self, wire: Wire, action: str, name: str) -> None:
        reply = {"push": self._push, "pull": self._pull, "check": self._check}[action](wire, name)
        if reply.status == (201 if action == "push" else 200):
            self.books.answered[action].add(name)
        elif reply.status == 503:
            self.books.unanswered += 1
        else:
            self.books.refusals.append(f"{action} {name}: {reply.status} {reply.body[:200]!r}")

    def _pull(self, wire: Wire, name: str) -> Reply:
        headers = {"User-Agent": name, "Accept": MANIFEST_TYPE}
        reply = wire.request("GET", f"/v2/{self.repository}/manifests/latest", headers=headers)
        if reply.status == 200 and reply.body != self._image.manifest.content:
            self.books.refusals.append(f"pull {name}: other bytes than were pushed")
        return reply

    def _check(self, wire: Wire, name: str) -> Reply:
        headers = {"User-Agent": name, "Accept": MANIFEST_TYPE}
        return wire.request("HEAD", f"/v2/{self.repository}/manifests/latest", headers=headers)

    def _push(self, wire: Wire, name: str) -> Reply:
        headers = {"User-Agent": name, "Content-Type": MANIFEST_TYPE}
        target = f"/v2/{self.repository}/manifests/{name}"
        return wire.request("PUT", target, headers=headers, body=self._image.manifest.content)


def repository_of(client: int) -> str:
    return f"storm/app-{client % 4}"


class Killer:
    """Kills in turn, and counts. The supervisor is started again by us, all others by the supervisor."""

    def __init__(self, hub: Hub, *, only: Container[str] | None = None) -> None:
        self._hub = hub
        kills: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("web worker", lambda: self._kill_one(hub.web_workers())),
            ("Granian's main", lambda: self._kill_one(hub.processes("web"))),
            ("shipper", lambda: self._kill_one(hub.processes("ship"))),
            ("relay", lambda: self._kill_one(hub.processes("relay"))),
            ("worker", lambda: self._kill_one(hub.processes("worker"))),
            ("supervisor", self._kill_supervisor),
        )
        self._turn = itertools.cycle([kill for kill in kills if only is None or kill[0] in only])
        self.kills: Counter[str] = Counter()

    def strike(self) -> None:
        """Kill the next in turn; one that is just being restarted is passed over."""
        name, kill = next(self._turn)
        if kill():
            self.kills[name] += 1

    def _kill_one(self, candidates: list[Process]) -> bool:
        if not candidates:
            return False
        victim = random.choice(candidates)
        below = descendants(victim.pid)
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
            _see_them_end(below)
            return True
        return False

    def _kill_supervisor(self) -> bool:
        below = self._hub.tree()[1:]
        self._hub.kill_alone()
        _see_them_end(below)
        self._hub.start()
        return True


def _see_them_end(orphans: list[Process]) -> None:
    """Whoever lost its parent must end soon; until then it would answer in the place of those who come after it."""
    if not wait_until(lambda: not any(is_alive(each.pid) for each in orphans), _ORPHANS_MAY_LIVE_SECONDS):
        left = [str(each) for each in orphans if is_alive(each.pid)]
        raise AssertionError("their parent was killed, but there go on:\n" + "\n".join(left))


def storm(hub: Hub, seconds: float) -> tuple[Books, Counter[str]]:
    """Let it rage for so long; what the clients know afterwards, and who was killed how often."""
    return rage(hub, hub.port, clients=CLIENTS, seconds=seconds)


def rage(hub: Hub, port: int, *, clients: int, seconds: float) -> tuple[Books, Counter[str]]:
    """Clients of the registry on that port, while the hub's processes are killed in turn."""
    image = make_image("storm")
    with Wire(port) as wire:
        for number in range(clients):
            push_image(wire, repository_of(number), "latest", image)
    stop = threading.Event()
    crowd = [Client(number, port, image, stop) for number in range(clients)]
    killer = Killer(hub)
    ends = time.monotonic() + seconds
    for client in crowd:
        client.start()
    try:
        while time.monotonic() < ends:
            time.sleep(KILL_EVERY_SECONDS)
            killer.strike()
    finally:
        stop.set()
        for client in crowd:
            client.join()
    hub.wait_until_ready()
    books = Books()
    for client in crowd:
        books.add(client.books)
    return books, killer.kills


def check_books(hub: Hub, receiver: IdReceiver, books: Books) -> None:
    """Nothing was refused, nothing lost, nothing counted twice. Raises AssertionError that says what does not fit."""
    assert books.refusals == []
    events = settled_events(hub, books)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), "the sequence has gaps"
    for action, names in books.answered.items():
        seen = Counter(event["request"]["useragent"] for event in events if event["action"] == action)
        assert [name for name in names if name not in seen][:10] == [], f"answered, but not in the log: {action}"
        twice = [name for name, times in seen.items() if name.startswith("storm-") and times > 1]
        assert twice[:10] == [], f"more than once in the log: {action}"
    check_counters(hub, events)
    missing = {event["id"] for event in events if event["action"] in ("pull", "push")} - receiver.ids.keys()
    assert sorted(missing)[:10] == [], f"{len(missing)} events never reached the webhook receiver"


def settled_events(hub: Hub, books: Books) -> list[dict[str, Any]]:
    """The whole log, once it has all answered requests and every consumer has read it, or time is up."""
    expected = sum(map(len, books.answered.values()))
    wait_until(lambda: hub.is_drained() and hub.log_status()["head"] >= expected, _DRAIN_SECONDS, 0.25)
    time.sleep(1.5)  # what still waits in a journal would come now
    hub.wait_until_drained(_DRAIN_SECONDS)
    return list(hub.events())


def check_counters(hub: Hub, events: list[dict[str, Any]]) -> None:
    """The numbers of each repository are those of its manifests' events."""
    for name in sorted({event["target"]["repository"] for event in events}):
        counted = hub.repository(name)
        for action, number in NUMBERS.items():
            in_log = sum(1 for event in events if _is_manifest(event, name, action))
            assert counted[number] == in_log, f"{number} of {name} differ from the log"


def _is_manifest(event: dict[str, Any], repository: str, action: str) -> bool:
    target = event["target"]
    return (target["repository"], event["action"], target["mediaType"]) == (repository, action, MANIFEST_TYPE)


def run_storm(databases: Databases, seconds: float) -> str:
    """The whole of it: start, storm, the books, stop; every kind of process must have been killed.

    Returns a line that says how much was asked and who was killed how often.
    """
    with IdReceiver() as receiver:
        config = {"notifications": {"endpoints": [endpoint("storm", receiver.url)]}}
        with Hub(new_folder("hub"), databases, config=config) as hub:
            return _storm_and_check(hub, receiver, seconds)


def _storm_and_check(hub: Hub, receiver: IdReceiver, seconds: float) -> str:
    assert hub.token  # made while all is calm
    books, kills = storm(hub, seconds)
    check_books(hub, receiver, books)
    assert all(books.answered.values())
    assert len(kills) == 6, f"not everyone was killed: {kills}"
    answered = ", ".join(f"{len(names):,} {action} requests answered" for action, names in books.answered.items())
    killed = ", ".join(f"{name} {times}" for name, times in kills.items())
    return f"{answered}, {books.unanswered:,} not; killed: {killed}"
