"""Consumers that fall behind the tail of the log: they are put there, and it is kept how many events they have lost."""

from django.db.models import F
from django.utils import timezone

from notifications.log.models import Consumer


def push_on(tail: int) -> list[tuple[str, int]]:
    """Put whoever is before `tail` there, on the caller's transaction; each name, with the number of events lost.

    A higher epoch makes the relay that runs the consumer take its place anew. What it has sent and not yet written
    down counts as lost.
    """
    fallen = list(Consumer.objects.select_for_update().filter(position__lt=tail).order_by("name"))
    for consumer in fallen:
        Consumer.objects.filter(name=consumer.name).update(
            position=tail,
            epoch=F("epoch") + 1,
            lost=F("lost") + tail - consumer.position,
            lost_at=timezone.now(),
        )
    return [(consumer.name, tail - consumer.position) for consumer in fallen]
