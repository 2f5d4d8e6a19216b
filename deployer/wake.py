"""Telling a worker that a service has something to do."""

from django.db import transaction

from registryhub.workers import wake

ROLL_OUT = "deployer.tasks.roll_out"


def wake_on_commit(service_id: int, delay_seconds: float) -> None:
    """Wake a worker once the caller's transaction is committed, so long after it."""
    transaction.on_commit(lambda: wake(ROLL_OUT, service_id, delay_seconds=delay_seconds))
