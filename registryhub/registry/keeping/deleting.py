"""Deleting what rules let go: judged once more on the transaction that deletes it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from notifications.analytics.models import TagTotals
from notifications.events import new_id
from registryhub.registry import tags
from registryhub.registry.announce import RequestContext
from registryhub.registry.keeping import immutability
from registryhub.registry.keeping.verdicts import SeenTag, Verdict, judge, load_rules
from registryhub.registry.keeping.walk import Judged, Walk, spare_needed
from registryhub.registry.models import Tag

ACTOR = "registryhub-retention"


class RulesChanged(Exception):
    """The verdicts were made by other rules than there are now."""


class TagsGone(Exception):
    """Some of the newest tags are gone, so others have moved up and are to be kept."""


def delete_tags(walk: Walk, judged: Sequence[Judged]) -> list[Verdict]:
    """Delete those of the tags of one repository that still go, each with its event, on the caller's transaction.

    What was pushed, pulled, made immutable or taken into use since it was judged stays. Returns what was deleted.
    Raises RulesChanged and TagsGone.
    """
    if load_rules() != tuple(walk.rules):
        raise RulesChanged("rules were changed")
    newest = walk.ranking.newest
    locked = _lock({each.tag.id for each in judged} | newest)
    if not newest <= locked.keys():
        raise TagsGone("newer tags were deleted")
    repository = judged[0].stand.repository
    fresh = _again(walk, judged, locked)
    going = spare_needed(repository, [each for each in fresh if not each.verdict.is_kept], immutability.load_rules())
    gone = [each for each in going if not each.verdict.is_kept]
    tags.remove(_context(), repository, [locked[each.tag.id] for each in gone])
    return [each.verdict for each in gone]


def _lock(ids: Collection[int]) -> dict[int, Tag]:
    """Those that are there, held in the order of their names. Whoever pushes one of them waits a few milliseconds."""
    rows = Tag.objects.filter(pk__in=ids).order_by("name").select_for_update(no_key=True)
    return {tag.pk: tag for tag in rows}


def _again(walk: Walk, judged: Sequence[Judged], locked: Mapping[int, Tag]) -> list[Judged]:
    """The tags that are what they were when they were judged, with the verdict of this moment."""
    now = timezone.now()
    rows = [locked[each.tag.id] for each in judged if each.tag.id in locked]
    used = _last_uses(rows)
    found = []
    for each in judged:
        row = locked.get(each.tag.id)
        if row is None or (row.moved_at, row.digest) != (each.tag.pushed_at, each.tag.digest):
            continue
        tag = SeenTag(row.pk, row.name, row.digest, row.moved_at, used.get(row.name))
        verdict = judge(each.stand.repository, walk.ranking.rules, tag, each.ranks, now)
        found.append(replace(each, tag=tag, verdict=verdict))
    return found


def _last_uses(rows: Sequence[Tag]) -> dict[str, datetime | None]:
    """When each of the tags of one repository was last pulled or checked, as far as it is counted."""
    if not rows:
        return {}
    totals = TagTotals.objects.filter(repository_id=rows[0].repository_id, tag__in=[row.name for row in rows])
    return dict(totals.values_list("tag", "last_seen_at"))


def _context() -> RequestContext:
    """Who deletes, for the events."""
    return RequestContext(
        request_id=new_id(), address="", host="", method="DELETE", user_agent=ACTOR, actor=ACTOR, base_url=""
    )
