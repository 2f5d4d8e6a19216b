"""What became of the tags of a repository: pushes and deletions, the latest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from notifications.log.models import Event
from registryhub.access.models import Repository

MOVES = 8
LOOKED_AT = 20_000
"""So many events of the repository are looked at, however few of them moved a tag."""

_EVENTS = 40
_TAGS_NAMED = 4


@dataclass(slots=True)
class Move:
    """Tags that came to point at a digest, or were deleted (then `digest` may be empty), one right after the other."""

    is_push: bool
    tags: list[str]
    digest: str
    actor: str
    moment: datetime

    @property
    def words(self) -> str:
        """edge and 5.2.0."""
        named = self.tags[:_TAGS_NAMED]
        left = len(self.tags) - len(named)
        if left:
            return f"{', '.join(named)} and {left} more"
        *rest, last = named
        return f"{', '.join(rest)} and {last}" if rest else last


def read_history(repository: Repository, tag: str = "") -> Sequence[Move]:
    """Of all tags, or of one. One query."""
    return _together(_events(repository, tag)[:_EVENTS])[:MOVES]


def _events(repository: Repository, tag: str) -> QuerySet[Event]:
    of_repository = Event.objects.filter(source_id=repository.source_id, repository=repository.name)
    newest = of_repository.order_by("-seq").values("seq")[:LOOKED_AT]
    moves = of_repository.filter(seq__in=newest, action__in=("push", "delete"))
    moves = moves.filter(tag=tag) if tag else moves.exclude(tag="")
    return moves.order_by("-seq").only("action", "tag", "digest", "actor", "occurred_at")


def _together(events: Iterable[Event]) -> list[Move]:
    found: list[Move] = []
    for event in events:
        last = found[-1] if found else None
        is_push = event.action == "push"
        if last and (last.is_push, last.digest, last.actor) == (is_push, event.digest, event.actor):
            if event.tag not in last.tags:
                last.tags.append(event.tag)
            continue
        found.append(Move(is_push, [event.tag], event.digest, event.actor, event.occurred_at))
    return found
