"""What rules would do, without doing it: a page of verdicts, and their sum."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from registryhub.registry.keeping.verdicts import Rule, Verdict
from registryhub.registry.keeping.walk import Judged, Walk, decode_stand, encode_stand

MOST_LOOKED_AT = 10_000
"""Tags that one page or one sum looks at; a walk of a million tags takes about a minute."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """May hold fewer verdicts than were asked for though there are more: then it has looked at MOST_LOOKED_AT tags."""

    verdicts: Sequence[Verdict]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Of the tags that were looked at; `is_all` says whether there are no others."""

    looked_at: int
    deleted: int
    is_all: bool


def preview(rules: Sequence[Rule], *, is_kept: bool | None, cursor: str, limit: int) -> VerdictPage:
    """A page of the verdicts that are (not) kept, by repository and newest first. Raises keyset.InvalidCursor."""
    walk = Walk(rules, timezone.now(), decode_stand(cursor, rules) if cursor else None)
    found: list[Judged] = []
    looked_at = 0
    while looked_at < MOST_LOOKED_AT and len(found) <= limit:
        judged = walk.take(_AT_ONCE)
        if not judged:
            return VerdictPage([each.verdict for each in found], None)
        looked_at += len(judged)
        found += itertools.islice(
            (each for each in judged if is_kept in (None, each.verdict.is_kept)), limit + 1 - len(found)
        )
    last = found[limit - 1].stand if len(found) > limit else walk.stand
    return VerdictPage([each.verdict for each in found[:limit]], encode_stand(last, rules))


def measure_effect(rules: Sequence[Rule]) -> Effect:
    """How many tags would go, of the first MOST_LOOKED_AT."""
    walk = Walk(rules, timezone.now())
    looked_at = deleted = 0
    while looked_at < MOST_LOOKED_AT:
        judged = walk.take(_AT_ONCE)
        if not judged:
            return Effect(looked_at, deleted, is_all=True)
        looked_at += len(judged)
        deleted += sum(not each.verdict.is_kept for each in judged)
    return Effect(looked_at, deleted, is_all=False)
