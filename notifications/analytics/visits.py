"""What the requests of a batch change, beside what the same clients asked for before."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from notifications.analytics import sessions, traces
from notifications.analytics.classify import COUNTED
from notifications.analytics.identity import hash_puller
from notifications.analytics.pullers import Puller
from notifications.analytics.reading import HOUR_SECONDS, Clocks, Name, Thing, Visit, Visitor, note_pull
from notifications.analytics.sessions import Act, Asks
from notifications.analytics.sums import Cell, Place, day_of
from notifications.analytics.traces import Client


@dataclass(slots=True)
class Difference:
    """How much more, or less, there is of each cell, and how often more each puller has pulled."""

    cells: dict[Cell, int] = field(default_factory=lambda: defaultdict(int))
    pulls: dict[Puller, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, place: Place, visit: Visit, act: Act, times: int) -> None:
        hour = act.second // HOUR_SECONDS
        self.cells[Cell(place, hour, act.action, act.tag, act.digest, visit.client, visit.actor)] += times
        if act.action in ("pull_tag", "pull_digest") and visit.client.audience in COUNTED:
            day = day_of(hour)
            self.pulls[Puller(place.repository_id, day, hash_puller(day, visit.who))] += times


def compare(visits: Mapping[Visitor, Visit], places: Mapping[Name, Place], clocks: dict[Thing, Clocks]) -> Difference:
    """Judge what is around the visits with and without them, and keep them for those that come later.

    The clocks of tags are moved by pulls by digest, if the client had looked the digest up by the tag. On the caller's
    transaction: one query and one statement.
    """
    news = {Client(places[visitor.name].repository_id, visitor.key): visit.asks for visitor, visit in visits.items()}
    known = traces.find(news)
    together: dict[Client, dict[sessions.Ask, int]] = {}
    difference = Difference()
    for (visitor, visit), (client, asks) in zip(visits.items(), news.items(), strict=True):
        before = known.get(client, {})
        after = together[client] = _sum(before, asks)
        place = places[visitor.name]
        for act, times in _changes(before, after):
            difference.add(place, visit, act, times)
        if visit.client.audience in COUNTED:
            _note_tags(clocks, visitor.name, after)
    traces.keep(together, changed=news)
    return difference


def _sum(before: Asks, asks: Asks) -> dict[sessions.Ask, int]:
    after = dict(before)
    for ask, times in asks.items():
        after[ask] = after.get(ask, 0) + times
    return after


def _changes(before: Asks, after: Asks) -> list[tuple[Act, int]]:
    """How much more, or less, there is of each act."""
    now = sessions.judge(after)
    if not before:
        return list(now.items())
    was = sessions.judge(before)
    changes = [(act, times - was.get(act, 0)) for act, times in now.items()]
    changes += [(act, -times) for act, times in was.items() if act not in now]
    return [(act, times) for act, times in changes if times]


def _note_tags(clocks: dict[Thing, Clocks], name: Name, asks: Asks) -> None:
    for tag, second in sessions.pulled_tags(asks).items():
        note_pull(clocks, Thing(name, tag=tag), datetime.fromtimestamp(second, UTC))
