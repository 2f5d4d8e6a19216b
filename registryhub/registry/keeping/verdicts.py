"""What becomes of a tag, by the rules of retention. Pure, so that a rule can be tried before it is saved.

The tags of a repository come newest first, so a tag's place among those that a rule looks at is known when it comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from registryhub.patterns import Matcher, compile_glob, compile_pattern, literal_prefix
from registryhub.registry.keeping.models import RetentionRule
from registryhub.registry.keeping.words import span_in_words


class SeenTag(NamedTuple):
    """A tag as the walk finds it; `used_at` is the last pull or check that was counted, None for never."""

    id: int
    name: str
    digest: str
    pushed_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a tag, and why. `rule` is empty where no rule decides."""

    repository: str
    tag: str
    digest: str
    pushed_at: datetime
    is_kept: bool
    rule: str
    reason: str


Ranks = tuple[int, ...]
"""For each rule the place of a tag among those it looks at, 1 for the newest; 0: the rule does not look at it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An enabled rule, ready to be asked. Two are equal when they say the same."""

    name: str
    glob: str
    pattern: str
    keep_newest: int | None
    pushed_within_seconds: int | None
    used_within_seconds: int | None
    keeps_all: bool

    @property
    def repositories(self) -> Matcher:
        return compile_glob(self.glob)

    @property
    def tags(self) -> Matcher:
        return compile_pattern(self.pattern)

    @property
    def prefix(self) -> str:
        """What the names of its repositories begin with."""
        return literal_prefix(self.glob)

    def keeps(self, tag: SeenTag, rank: int, now: datetime) -> str:
        """Why it keeps the tag, in words; empty when it does not."""
        if self.keeps_all:
            return "all of these tags are kept"
        if self.keep_newest is not None and rank <= self.keep_newest:
            return f"number {rank} of the newest {self.keep_newest}"
        if _is_within(tag.pushed_at, self.pushed_within_seconds, now):
            return f"pushed {_ago(tag.pushed_at, now)}, within {_span(self.pushed_within_seconds)}"
        used_at = last_use(tag)
        if _is_within(used_at, self.used_within_seconds, now):
            return f"used {_ago(used_at, now)}, within {_span(self.used_within_seconds)}"
        return ""

    def lets_go(self, tag: SeenTag, rank: int, now: datetime) -> str:
        """Why it does not keep the tag, in words."""
        found = []
        if self.keep_newest is not None:
            found.append(f"number {rank}, the newest {self.keep_newest} are kept")
        if self.pushed_within_seconds is not None:
            found.append(f"pushed {_ago(tag.pushed_at, now)}, not within {_span(self.pushed_within_seconds)}")
        if self.used_within_seconds is not None:
            found.append(f"used {_ago(last_use(tag), now)}, not within {_span(self.used_within_seconds)}")
        return ", ".join(found)


def load_rules() -> tuple[Rule, ...]:
    """The enabled rules as they are now, by name."""
    return tuple(read_rule(row) for row in RetentionRule.objects.filter(is_enabled=True).order_by("name"))


def read_rule(row: RetentionRule) -> Rule:
    """A rule as its row says it, saved or not."""
    return Rule(
        name=row.name,
        glob=row.repositories,
        pattern=row.tags,
        keep_newest=row.keep_newest,
        pushed_within_seconds=row.pushed_within_seconds,
        used_within_seconds=row.used_within_seconds,
        keeps_all=row.keeps_all,
    )


def with_rule(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """The rules with one more, which takes the place of the one of its name."""
    return tuple(sorted([*without_rule(rules, rule.name), rule], key=lambda each: each.name))


def without_rule(rules: Sequence[Rule], name: str) -> tuple[Rule, ...]:
    """The others."""
    return tuple(rule for rule in rules if rule.name != name)


def last_use(tag: SeenTag) -> datetime:
    """A push counts as a use: what was just pushed has not been pulled yet."""
    return max(tag.pushed_at, tag.used_at) if tag.used_at else tag.pushed_at


class Ranking:
    """Counts, for the rules that look at a repository, the tags that each looks at, newest first.

    `newest` holds the ids of those that are kept for their place: while they are there, no other tag moves up.
    """

    def __init__(self, rules: Sequence[Rule], counts: Sequence[int] = ()) -> None:
        self.rules = rules
        self.counts = list(counts) if len(counts) == len(rules) else [0] * len(rules)
        self.newest: set[int] = set()
        self._patterns = [rule.tags for rule in rules]

    def add(self, tag: SeenTag) -> Ranks:
        """The places of the next tag."""
        ranks = [0] * len(self.rules)
        for number, pattern in enumerate(self._patterns):
            if pattern.fullmatch(tag.name):
                self.counts[number] += 1
                ranks[number] = self.counts[number]
                if ranks[number] <= (self.rules[number].keep_newest or 0):
                    self.newest.add(tag.id)
        return tuple(ranks)


def judge(repository: str, rules: Sequence[Rule], tag: SeenTag, ranks: Ranks, now: datetime) -> Verdict:
    """What the rules of a repository say; what else keeps a tag is for `spare` to add."""
    looking = [(rule, rank) for rule, rank in zip(rules, ranks, strict=True) if rank]
    verdict = Verdict(repository, tag.name, tag.digest, tag.pushed_at, True, "", "no rule looks at it")
    if not looking:
        return verdict
    for rule, rank in looking:
        if reason := rule.keeps(tag, rank, now):
            return replace(verdict, rule=rule.name, reason=reason)
    names = ", ".join(rule.name for rule, _ in looking)
    reasons = "; ".join(
        rule.lets_go(tag, rank, now) if len(looking) == 1 else f"{rule.name}: {rule.lets_go(tag, rank, now)}"
        for rule, rank in looking
    )
    return replace(verdict, is_kept=False, rule=names, reason=reasons)


def spare(verdict: Verdict, rule: str, reason: str) -> Verdict:
    """The same tag, kept after all."""
    return replace(verdict, is_kept=True, rule=rule, reason=reason)


def _is_within(moment: datetime, seconds: int | None, now: datetime) -> bool:
    return seconds is not None and (now - moment).total_seconds() <= seconds


def _ago(moment: datetime, now: datetime) -> str:
    return f"{span_in_words(max(now - moment, timedelta()))} ago"


def _span(seconds: int | None) -> str:
    return span_in_words(seconds or 0)
