"""Consumers that fall behind the tail of the log: they are put there, and it is kept how many events they have lost."""

from django.db.models import F
from django.utils import timezone

from notifications.log.models import Consumer


def push_on(tail: int) -> list[tuple[str, int]]:
    """Put whoever is before `tail` there, on the caller's transaction; who has lost events by it, and how many.

    A higher epoch makes the relay that runs the consumer take its place anew. What it has sent and not yet written
    down counts as lost. Who is there for a replay only had its events before.
    """
    fallen = []
    for consumer in Consumer.objects.select_for_update().filter(position__lt=tail).order_by("name"):
        row = Consumer.objects.filter(name=consumer.name)
        row.update(position=tail, epoch=F("epoch") + 1)
        reached = consumer.position if consumer.resume_at is None else consumer.resume_at
        if reached < tail:
            lost = tail - reached
            row.update(lost=F("lost") + lost, lost_at=timezone.now(), replay_until=None, resume_at=None)
            fallen.append((consumer.name, lost))
    return fallen
