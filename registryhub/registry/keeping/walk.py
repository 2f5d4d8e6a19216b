"""Through all tags that rules of retention look at, newest first in each repository, as far as one likes at a time.

A page costs what it costs to read its tags, by the index on (repository, moved_at, name): a million tags are walked
without holding them, and a walk goes on where another one stood.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.database import keyset
from registryhub.patterns import common_prefix
from registryhub.registry.guards import in_use
from registryhub.registry.keeping import immutability
from registryhub.registry.keeping.verdicts import Ranking, Ranks, Rule, SeenTag, Verdict, judge, spare

_REPOSITORIES_AT_ONCE = 1000
_LAST_NAME = "\U0010ffff"
_COLUMNS = """
    SELECT tag.id, tag.name, tag.digest, tag.moved_at, totals.last_seen_at
    FROM registry_tag AS tag
    LEFT JOIN analytics_tagtotals AS totals ON totals.repository_id = tag.repository_id AND totals.tag = tag.name
    WHERE tag.repository_id = %s
"""
_NEWEST_FIRST = " ORDER BY tag.moved_at DESC, tag.name DESC LIMIT %s"
_FIRST = f"{_COLUMNS}{_NEWEST_FIRST}"
_AFTER = f"{_COLUMNS} AND (tag.moved_at, tag.name) < (%s, %s){_NEWEST_FIRST}"


class Stand(NamedTuple):
    """Where a walk stands: after this tag of this repository, with so many tags counted for each of its rules."""

    repository: str = ""
    pushed_at: datetime | None = None
    tag: str = ""
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A tag with its verdict, and what to judge it again by."""

    tag: SeenTag
    ranks: Ranks
    verdict: Verdict
    stand: Stand


class Place(NamedTuple):
    """A repository that rules look at."""

    id: int
    name: str


class Walk:
    """Goes through the repositories by name. `stand` is where another one goes on.

    Without a tag the stand is before all tags of its repository.
    """

    def __init__(self, rules: Sequence[Rule], now: datetime, stand: Stand | None = None) -> None:
        self.rules = rules
        self.now = now
        self.stand = stand or Stand()
        self.place: Place | None = None
        self.ranking = Ranking(())
        self._places = self._find_places()

    def take(self, most: int) -> list[Judged]:
        """The next tags, all of one repository (`place`); empty at the end."""
        while self.place is not None or self._enter():
            if found := self._read(most):
                return found
            self.place = None
        return []

    def leave(self) -> None:
        """Go on with the next repository."""
        self.place = None

    def _enter(self) -> bool:
        self.place = next(self._places, None)
        if self.place is None:
            return False
        speaking = [rule for rule in self.rules if rule.repositories.fullmatch(self.place.name)]
        if not (self.stand.tag and self.stand.repository == self.place.name):
            self.stand = Stand(self.place.name)
        self.ranking = Ranking(speaking, self.stand.counts)
        return True

    def _find_places(self) -> Iterator[Place]:
        prefix = common_prefix([rule.prefix for rule in self.rules])
        matchers = [rule.repositories for rule in self.rules]
        rows = Repository.objects.filter(source_id=HUB_SOURCE_ID, name__gte=prefix, name__lt=prefix + _LAST_NAME)
        found = rows.filter(name__gte=self.stand.repository)
        while names := list(found.order_by("name").values_list("id", "name")[:_REPOSITORIES_AT_ONCE]):
            for place in itertools.starmap(Place, names):
                if any(matcher.fullmatch(place.name) for matcher in matchers):
                    yield place
            found = rows.filter(name__gt=names[-1][1])

    def _read(self, most: int) -> list[Judged]:
        place = self.place
        tags = read_tags(place.id, self.stand, most) if place else []
        if place is None or not tags:
            return []
        judged = []
        for tag in tags:
            ranks = self.ranking.add(tag)
            stand = Stand(place.name, tag.pushed_at, tag.name, tuple(self.ranking.counts))
            judged.append(Judged(tag, ranks, judge(place.name, self.ranking.rules, tag, ranks, self.now), stand))
        self.stand = judged[-1].stand
        return spare_needed(place.name, judged, immutability.rules.get())


def spare_needed(repository: str, judged: Sequence[Judged], immutable: Sequence[immutability.Rule]) -> list[Judged]:
    """The same tags of one repository; those that are immutable, or that somebody runs, are kept."""
    going = {each.tag.digest for each in judged if not each.verdict.is_kept}
    if not going:
        return list(judged)
    needed = in_use(repository, going)
    frozen = [rule for rule in immutable if rule.speaks_of(repository)]
    return [each if each.verdict.is_kept else _spared(each, frozen, needed) for each in judged]


def read_tags(repository_id: int, stand: Stand, most: int) -> list[SeenTag]:
    """The tags of a repository after the stand, newest first; of two pushed in one moment the last by name is first."""
    with connection.cursor() as cursor:
        if stand.tag:
            moment = connection.ops.adapt_datetimefield_value(stand.pushed_at)
            cursor.execute(_AFTER, (repository_id, moment, stand.tag, most))
        else:
            cursor.execute(_FIRST, (repository_id, most))
        rows = cursor.fetchall()
    return [
        SeenTag(tag_id, name, digest, moment_of(moved_at), moment_of(seen_at) if seen_at else None)
        for tag_id, name, digest, moved_at, seen_at in rows
    ]


def moment_of(value: datetime) -> datetime:
    """SQLite gives times in UTC without saying so."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def encode_stand(stand: Stand, rules: Sequence[Rule]) -> str:
    """A cursor of the stand, for as long as the rules stay as they are."""
    row = {
        "repository": stand.repository,
        "pushed_at": stand.pushed_at or datetime.min.replace(tzinfo=UTC),
        "tag": stand.tag,
        "counts": ",".join(map(str, stand.counts)),
    }
    return keyset.encode({**row, _mark(rules): 0}, [*row, _mark(rules)])


def decode_stand(cursor: str, rules: Sequence[Rule]) -> Stand:
    """Raises keyset.InvalidCursor."""
    order = ["repository", "pushed_at", "tag", "counts", _mark(rules)]
    repository, pushed_at, tag, counts, _ = keyset.decode(cursor, order)
    try:
        numbers = tuple(int(count) for count in counts.split(",") if count)
        return Stand(str(repository), pushed_at if tag else None, str(tag), numbers)
    except (ValueError, AttributeError) as error:
        raise keyset.InvalidCursor("The cursor is damaged; begin without a cursor and follow `next`.") from error


def _spared(judged: Judged, frozen: Sequence[immutability.Rule], needed: dict[str, str]) -> Judged:
    if holding := immutability.holding(frozen, judged.tag.name):
        return replace(judged, verdict=spare(judged.verdict, holding.name, "the tag is immutable"))
    if reason := needed.get(judged.tag.digest):
        return replace(judged, verdict=spare(judged.verdict, "", reason))
    return judged


def _mark(rules: Sequence[Rule]) -> str:
    """What another set of rules would not have: their places in the counts differ."""
    return hashlib.sha256(repr(rules).encode()).hexdigest()[:16]
