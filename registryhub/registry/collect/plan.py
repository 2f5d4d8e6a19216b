"""Which collections there shall be: by the clock, or because somebody asks."""

from datetime import UTC, datetime

from django.db import transaction

from registryhub.config.keeping import Collect
from registryhub.registry.collect.claims import OPEN
from registryhub.registry.models import Collection

KEPT = 1000
TASK = "registryhub.registry.tasks.collect_garbage"


def new_collection(*, is_dry_run: bool, deletes_untagged: bool, grace_seconds: float) -> Collection:
    """What somebody asks for, not stored yet: untagged manifests then go after the same grace period as all else."""
    return Collection(
        is_dry_run=is_dry_run,
        grace_seconds=grace_seconds,
        untagged_seconds=grace_seconds if deletes_untagged else None,
    )


def schedule(config: Collect, now: datetime) -> None:
    """Store the collection of the present slot, once, whoever else does so; and forget the oldest of those that ended.

    While one is open the next waits: two in a row would find nothing more.
    """
    if not config.enabled:
        return
    slot = _slot(now, config.interval_seconds)
    if Collection.objects.filter(slot=slot).exists() or Collection.objects.filter(state__in=OPEN).exists():
        return
    with transaction.atomic():
        Collection.objects.bulk_create(
            [
                Collection(
                    slot=slot,
                    grace_seconds=config.grace_seconds,
                    untagged_seconds=config.untagged_seconds,
                )
            ],
            ignore_conflicts=True,
        )
        ended = Collection.objects.exclude(state__in=OPEN).order_by("-pk").values_list("pk", flat=True)
        for oldest in ended[KEPT : KEPT + 1]:
            Collection.objects.exclude(state__in=OPEN).filter(pk__lte=oldest).delete()


def _slot(now: datetime, interval_seconds: float) -> datetime:
    """When the interval that `now` is in began; intervals are counted from 1970, so every process says the same."""
    number = now.timestamp() // interval_seconds
    return datetime.fromtimestamp(number * interval_seconds, UTC)
