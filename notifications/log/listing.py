"""Pages of the log for people and programs: what the asker may see, in order, never a scan without an end."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from notifications.log.models import Event, LogHead
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser

LOOKED_AT = 20_000
"""So many events are looked at for one page, however few of them match."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; `next` is the number to go on after, None when the head is reached."""

    events: Sequence[Event]
    next: int | None
    head: int


def list_events(user: User, *, after: int, limit: int, **wanted: str) -> Page:
    """The events after a number that match what is `wanted` (field → value) and that the user may see.

    A page may be empty and still have a next one: then none of the events that were looked at matched.
    """
    head = read_head()
    last = min(head, after + LOOKED_AT)
    matching = visible_events(user).filter(seq__gt=after, seq__lte=last, **wanted)
    found = list(matching.select_related("source").order_by("seq")[:limit])
    reached = found[-1].seq if len(found) == limit else last
    return Page(found, reached if reached < head else None, head)


def visible_events(user: User) -> QuerySet[Event]:
    """The events of the repositories that the user may see."""
    if sees_everything(user):
        return Event.objects.all()
    visible = visible_repositories(user).filter(source_id=OuterRef("source_id"), name=OuterRef("repository"))
    return Event.objects.filter(Exists(visible))


def read_head() -> int:
    """The number of the last event; 0 in an empty log."""
    return LogHead.objects.filter(pk=1).values_list("position", flat=True).first() or 0
