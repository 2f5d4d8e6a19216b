"""The places of consumers in the log: how one is made, taken, and brought back after a replay."""

from dataclasses import replace
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F

from notifications.log import leases
from notifications.log.leases import Lease
from notifications.log.models import Consumer


def lock_place(name: str) -> None:
    """Hold a consumer's position still until the caller's transaction ends; does nothing when there is no place."""
    Consumer.objects.select_for_update().filter(name=name).first()


def jump(name: str, position: int) -> None:
    """Set a consumer to a position, whoever holds the place, which that process loses. Ends a replay."""
    Consumer.objects.filter(name=name).update(
        position=position, epoch=F("epoch") + 1, replay_until=None, resume_at=None
    )


def remove_place(name: str) -> None:
    """Forget a consumer; whoever holds its place loses it."""
    Consumer.objects.filter(name=name).delete()


def take_consumer(name: str, *, holder: str, start_at_head: bool) -> Lease | None:
    """Take a consumer's place, making its row when the name is new; None while another holds it.

    At the end of a replay the place is first moved to where the consumer was before.
    """
    make_place(name, start_at_head=start_at_head)
    lease = leases.take(leases.consumer_place(name), holder)
    return None if lease is None else _on_the_way(lease, name)


def _on_the_way(lease: Lease, name: str) -> Lease:
    until, resume_at = Consumer.objects.values_list("replay_until", "resume_at").get(name=name)
    if until is None or resume_at is None or lease.position < until:
        return replace(lease, until=until)
    with transaction.atomic():
        over = {"replay_until": None, "resume_at": None}
        leases.move(lease, start=lease.position, end=resume_at, also=over)
    return replace(lease, position=resume_at)


def make_place(name: str, *, start_at_head: bool) -> None:
    """Unless it is there: at the head of the log, or before the oldest event in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM log_consumer WHERE name = %s", (name,))
        if cursor.fetchone():
            return
        start = f"(SELECT position FROM {'log_loghead' if start_at_head else 'log_logtail'} WHERE id = 1)"  # noqa: S608
        cursor.execute(
            "INSERT INTO log_consumer (name, position, holder, epoch, updated_at, lost)"  # noqa: S608
            f" VALUES (%s, COALESCE({start}, 0), '', 0, %s, 0) ON CONFLICT (name) DO NOTHING",
            (name, connection.ops.adapt_datetimefield_value(datetime.now(UTC))),
        )
