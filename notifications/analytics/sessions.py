"""Which requests of a client belong together. Pure; part of the counting rules (docs/counting.md).

Clients ask several times for one pull: first with HEAD, then for the index, then for the manifest of their platform.
What each request counts for depends only on what the same client asked the same repository for within a minute before
and after, by whole seconds. So it is a function of the set of events: their order of arrival does not matter, and who
adds an event has to look again only at what lies within a minute of it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Literal, NamedTuple

import orjson

from notifications.facts import SHORT_DIGEST

WINDOW_SECONDS = 60
SLOT_SECONDS = 120
"""Neighbours of neighbours: what may matter to whatever a new event changes lies within so much of it."""

Action = Literal["version_check", "pull_tag", "pull_digest", "referrer"]


class Kind(IntEnum):
    """What a manifest is."""

    IMAGE = 0
    INDEX = 1
    ATTACHED = 2


class Ask(NamedTuple):
    """A request for a manifest, in a second since 1970; empty text means that it is not known.

    `children` are the beginnings of what an index lists, empty where nobody says.
    """

    second: int
    is_get: bool
    tag: str
    digest: str
    kind: int = Kind.IMAGE
    children: tuple[str, ...] = ()

    @property
    def thing(self) -> str:
        """What was asked for."""
        return self.digest or self.tag


class Act(NamedTuple):
    """What a request counts as; nothing is counted of what belongs to another request."""

    second: int
    action: Action
    tag: str
    digest: str


Asks = Mapping[Ask, int]
"""Each with how often it was asked."""


def judge(asks: Asks) -> dict[Act, int]:
    """What the requests of one client to one repository count for, and how often."""
    if len(asks) == 1:
        ((ask, times),) = asks.items()
        return {_alone(ask): times}
    around = _Around(asks)
    acts: dict[Act, int] = {}
    for ask, times in asks.items():
        act = around.judge(ask)
        if act is not None:
            acts[act] = acts.get(act, 0) + times
    return acts


def pulled_tags(asks: Asks) -> dict[str, int]:
    """Tags whose digest was pulled by itself within a minute after it had been looked up, and in which second last."""
    named: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for ask in asks:
        if ask.tag and ask.digest:
            named[ask.digest].append((ask.second, ask.tag))
    found: dict[str, int] = {}
    for ask in asks:
        if ask.is_get and not ask.tag and ask.kind != Kind.ATTACHED:
            for second, tag in named.get(ask.digest, ()):
                if second <= ask.second <= second + WINDOW_SECONDS:
                    found[tag] = max(found.get(tag, 0), ask.second)
    return found


def slots_around(second: int) -> range:
    """The slots whose requests matter to one of that second."""
    return range((second - 2 * WINDOW_SECONDS) // SLOT_SECONDS, (second + 2 * WINDOW_SECONDS) // SLOT_SECONDS + 1)


def encode(asks: Asks) -> str:
    """One line of JSON; the same for the same requests."""
    return orjson.dumps([[*ask, times] for ask, times in sorted(asks.items())]).decode()


def decode(text: str) -> dict[Ask, int]:
    """What `encode` wrote."""
    rows = orjson.loads(text)
    return {
        Ask(second, is_get, tag, digest, kind, tuple(children)): times
        for second, is_get, tag, digest, kind, children, times in rows
    }


def _alone(ask: Ask) -> Act:
    if not ask.is_get:
        return Act(ask.second, "version_check", ask.tag, ask.digest)
    if ask.kind == Kind.ATTACHED:
        return Act(ask.second, "referrer", ask.tag, ask.digest)
    return Act(ask.second, "pull_tag" if ask.tag else "pull_digest", ask.tag, ask.digest)


class _Around:
    """The requests by what others want to know of them, in order of time."""

    def __init__(self, asks: Iterable[Ask]) -> None:
        self._gets: dict[str, list[int]] = defaultdict(list)
        self._named: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)
        self._indexes: list[Ask] = []
        for ask in sorted(asks):
            if ask.is_get:
                self._gets[ask.thing].append(ask.second)
                if ask.kind == Kind.INDEX:
                    self._indexes.append(ask)
            if ask.tag and ask.digest:
                self._named[ask.digest].append((ask.second, ask.tag, ask.is_get))

    def judge(self, ask: Ask) -> Act | None:
        """None for what is counted with another request."""
        if not ask.is_get:
            return None if self._is_fetched(ask) else _alone(ask)
        if ask.tag:
            return _alone(ask)
        if self._is_child(ask):
            return None
        tag, was_fetched = self._name(ask)
        return None if was_fetched else _alone(ask._replace(tag=tag))

    def _is_fetched(self, ask: Ask) -> bool:
        """Whether what was looked at is fetched afterwards."""
        seconds = self._gets.get(ask.thing, ())
        at = bisect_left(seconds, ask.second)
        return at < len(seconds) and seconds[at] <= ask.second + WINDOW_SECONDS

    def _is_child(self, ask: Ask) -> bool:
        """Whether it is the part of an index, which the client has fetched before."""
        if ask.kind == Kind.INDEX:
            return False
        first = bisect_left(self._indexes, ask.second - WINDOW_SECONDS, key=_second)
        last = bisect_right(self._indexes, ask.second, key=_second)
        short = ask.digest.partition(":")[2][:SHORT_DIGEST]
        return any(not index.children or short in index.children for index in self._indexes[first:last])

    def _name(self, ask: Ask) -> tuple[str, bool]:
        """The tag under which the digest was last asked for before, and whether it was fetched under one."""
        named = self._named.get(ask.digest, ())
        first = bisect_left(named, ask.second - WINDOW_SECONDS, key=_first)
        last = bisect_right(named, ask.second, key=_first)
        recent = named[first:last]
        return (recent[-1][1] if recent else ""), any(is_get for _, _, is_get in recent)


def _second(ask: Ask) -> int:
    return ask.second


def _first(named: tuple[int, str, bool]) -> int:
    return named[0]
