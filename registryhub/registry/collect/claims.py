"""Which collection runs: one at a time, held by a lease, which another process takes when its holder died."""

import logging
import secrets
import socket
from os import getpid

from django.db import IntegrityError, transaction
from django.utils import timezone

from registryhub.database import leases
from registryhub.database.leases import Place
from registryhub.registry.models import Collection

LEASE_SECONDS = 30.0
OPEN = (Collection.State.RUNNING, Collection.State.WAITING)

_logger = logging.getLogger(__name__)


def begin(collection: Collection) -> bool:
    """Store a new collection as one that this process carries out at once; False when another one runs."""
    collection.state, collection.started_at = Collection.State.RUNNING, timezone.now()
    collection.holder, collection.epoch = _new_holder(), 1
    try:
        with transaction.atomic():
            collection.save(force_insert=True)
            leases.hold(place_of(collection.pk), collection.epoch, LEASE_SECONDS)
    except IntegrityError:
        return False
    return True


def claim_next() -> Collection | None:
    """The one that was interrupted, else the one that waits longest; None when there is none, or one runs elsewhere."""
    wanted = Collection.objects.filter(state__in=OPEN).order_by("state", "pk").first()  # "running" before "waiting"
    if wanted is None:
        return None
    row = leases.take(place_of(wanted.pk), _new_holder(), LEASE_SECONDS, columns=("epoch", "state"))
    if row is None:
        return None
    epoch, state = row
    if state in OPEN and _start(wanted.pk, state):
        return Collection.objects.get(pk=wanted.pk, epoch=epoch)
    leases.release(place_of(wanted.pk), epoch)
    return None


def place_of(pk: int) -> Place:
    return Place("registry_collection", "id", pk)


def _start(pk: int, state: str) -> bool:
    """False when another one has begun in the meantime.

    A dry run that was interrupted begins anew: what it had found nobody remembers.
    """
    held = Collection.objects.filter(pk=pk)
    if state == Collection.State.RUNNING:
        _logger.warning("collection %d was interrupted, and goes on", pk)
        held.filter(is_dry_run=True).update(
            phase=Collection.Phase.MANIFESTS,
            cursor=0,
            manifests=0,
            links=0,
            blobs=0,
            freed_bytes=0,
            waiting=0,
            skipped=0,
        )
        return True
    try:
        with transaction.atomic():
            held.update(state=Collection.State.RUNNING, started_at=timezone.now())
    except IntegrityError:
        return False
    return True


def _new_holder() -> str:
    return f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}"
