"""Pages of the log for people and programs: what the asker may see, in order, never a scan without an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from notifications.log.models import Event, LogHead, LogTail
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser

LOOKED_AT = 20_000
"""So many events are looked at for one page, however few of them match."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; `next` is the number to go on after (or before), None when the end of the log is reached.

    `tail` is the number of the oldest event that is still in the log.
    """

    events: Sequence[Event]
    next: int | None
    head: int
    tail: int = 1


def list_events(user: User, *, after: int, limit: int, top: int | None = None, **wanted: Any) -> Page:
    """The events after a number that match what is `wanted` (field → value) and that the user may see.

    Only those before the number `top`, if there is one.

    A page may be empty and still have a next one: then none of the events that were looked at matched.
    """
    head, tail = read_head(), read_tail()
    after = max(after, tail - 1)
    end = head if top is None else min(head, top - 1)
    last = _last_looked_at(after, end, wanted)
    matching = visible_events(user).filter(seq__gt=after, seq__lte=last, **wanted)
    found = list(matching.select_related("source").order_by("seq")[:limit])
    reached = found[-1].seq if len(found) == limit else last
    return Page(found, reached if reached < end else None, head, tail)


def list_latest(
    user: User, *, before: int | None, limit: int, first: int = 1, with_raw: bool = False, **wanted: Any
) -> Page:
    """The same the other way round: the latest events before a number (None: of all) down to `first`, newest first.

    Without their raw JSON, unless asked for.
    """
    head, tail = read_head(), read_tail()
    first = max(first, tail)
    top = head + 1 if before is None else min(before, head + 1)
    lowest = max(first, _first_looked_at(top, wanted))
    matching = visible_events(user).filter(seq__lt=top, seq__gte=lowest, **wanted)
    matching = matching if with_raw else matching.defer("raw")
    found = list(matching.select_related("source").order_by("-seq")[:limit])
    reached = found[-1].seq if len(found) == limit else lowest
    return Page(found, reached if reached > first else None, head, tail)


def visible_events(user: User) -> QuerySet[Event]:
    """The events of the repositories that the user may see."""
    if sees_everything(user):
        return Event.objects.all()
    visible = visible_repositories(user).filter(source_id=OuterRef("source_id"), name=OuterRef("repository"))
    return Event.objects.filter(Exists(visible))


def read_head() -> int:
    """The number of the last event; 0 in an empty log."""
    return LogHead.objects.filter(pk=1).values_list("position", flat=True).first() or 0


def read_tail() -> int:
    """The number of the oldest event that is still in the log, or of the next one when all have been removed."""
    return 1 + (LogTail.objects.filter(pk=1).values_list("position", flat=True).first() or 0)


def _last_looked_at(after: int, head: int, wanted: dict[str, Any]) -> int:
    indexed = _indexed(wanted)
    if indexed is None:
        return min(head, after + LOOKED_AT)
    beyond = indexed.filter(seq__gt=after, seq__lte=head).order_by("seq")
    return _nth(beyond, LOOKED_AT) or head


def _first_looked_at(before: int, wanted: dict[str, Any]) -> int:
    indexed = _indexed(wanted)
    if indexed is None:
        return before - LOOKED_AT
    return _nth(indexed.filter(seq__lt=before).order_by("-seq"), LOOKED_AT) or 1


def _indexed(wanted: dict[str, Any]) -> QuerySet[Event] | None:
    """Those of the wanted events that one index finds in order, so that only they are looked at; None without one."""
    if {"source_id", "repository"} <= wanted.keys():
        return Event.objects.filter(source_id=wanted["source_id"], repository=wanted["repository"])
    if wanted.get("action") == "push":
        return Event.objects.filter(action="push")
    return None


def _nth(events: QuerySet[Event], number: int) -> int | None:
    """The seq of the nth event, read from the index alone."""
    return events.values_list("seq", flat=True)[number - 1 : number].first()
