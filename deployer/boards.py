"""The board of what runs soonest after it was pushed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import OuterRef, Subquery

from deployer.models import Deployment
from notifications.analytics.boards import Ask, Board, Line
from notifications.log.models import Event

LOOKED_AT = 1000
"""So many of the latest deployments of the window are looked at."""


def boards() -> Sequence[Board]:
    """For settings.BOARDS."""
    return (Board("fastest-to-running", "Fastest to running", "seconds", fastest, is_for_staff=True),)


def fastest(asked: Ask) -> Sequence[Line]:
    """By the median of how long it took from the push of an image until it ran; every roll-out that succeeded counts.

    One query.
    """
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for source, repository, pushed, ran in _latest(asked):
        times[source, repository].append(max(0.0, (ran - pushed).total_seconds()))
    found = sorted((median(seconds), name, len(seconds)) for name, seconds in times.items())[: asked.limit]
    return [
        Line(rank, round(seconds), pulls=0, excluded=0, source=source, repository=repository)
        for rank, (seconds, (source, repository), _) in enumerate(found, start=1)
    ]


def _latest(asked: Ask) -> Iterable[tuple[str, str, datetime, datetime]]:
    pushes = Event.objects.filter(seq=OuterRef("first_seq")).values("occurred_at")
    found = Deployment.objects.filter(
        state=Deployment.State.SUCCEEDED, cause=Deployment.Cause.PUSH, finished_at__isnull=False
    )
    if asked.since:
        found = found.filter(finished_at__gte=asked.since)
    if asked.scope.source_id is not None:
        found = found.filter(source_id=asked.scope.source_id)
    latest = found.annotate(pushed_at=Subquery(pushes)).filter(pushed_at__isnull=False).order_by("-id")
    found_at: Iterable[Any] = latest.values_list("source__name", "repository", "pushed_at", "finished_at")[:LOOKED_AT]
    return found_at
