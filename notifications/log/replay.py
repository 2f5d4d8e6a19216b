"""Letting a consumer go through a part of the log again."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.module_loading import import_string

from notifications.log.consume import BatchConsumer, StreamConsumer
from notifications.log.listing import read_tail
from notifications.log.models import Consumer


class ReplayRefused(ValueError):
    """The consumer cannot go through these events again; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The consumer goes again through the events from `first` to `last`; `reached` is how far it had come."""

    first: int
    last: int
    reached: int


def replay(name: str, *, first: int, last: int | None = None) -> Replay:
    """Set a consumer back to before `first`; from `last` on it goes on where it was. Raises ReplayRefused.

    The epoch rises, so that the relay that runs it takes the place anew: what it has done and not yet written down it
    does once more, as after a crash. A replay that is under way is replaced, and still ends where the consumer was
    before all replays.
    """
    _check_kind(name)
    with transaction.atomic():
        row = Consumer.objects.select_for_update().filter(name=name)
        place = row.first()
        if place is None:
            raise ReplayRefused(f"{name} has not begun to read the log yet; a relay must run for that.")
        reached = place.position if place.resume_at is None else place.resume_at
        until = reached if last is None else min(last, reached)
        _check_range(name, first=first, until=until, reached=reached)
        detour = {"replay_until": until, "resume_at": reached} if until < reached else _NO_DETOUR
        row.update(position=first - 1, epoch=F("epoch") + 1, **detour)
    return Replay(first, until, reached)


_NO_DETOUR: dict[str, int | None] = {"replay_until": None, "resume_at": None}


def _check_kind(name: str) -> None:
    consumers: dict[str, BatchConsumer | StreamConsumer] = {
        consumer.name: consumer for path in settings.EVENT_CONSUMERS for consumer in import_string(path)()
    }
    if name not in consumers:
        raise ReplayRefused(f"Nobody listens by the name {name!r}; there are: {', '.join(sorted(consumers))}.")
    if isinstance(consumers[name], BatchConsumer):
        raise ReplayRefused(
            f"{name} deals with each event exactly once: again would be counted, or done, twice. Only consumers that"
            " send to the outside can go through events again."
        )


def _check_range(name: str, *, first: int, until: int, reached: int) -> None:
    tail = read_tail()
    if first < tail:
        raise ReplayRefused(f"The oldest event in the log is {tail}; start there or later.")
    if first > reached:
        raise ReplayRefused(f"{name} has come to event {reached} only: from {first} on it has nothing to do again.")
    if until < first:
        raise ReplayRefused(f"The last event, {until}, comes before the first, {first}.")
