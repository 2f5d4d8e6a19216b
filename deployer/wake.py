"""Telling a worker that there is something to do. The message only wakes: the rows say what, and a sweep looks too."""

import logging
from collections.abc import Iterable

from celery import Celery
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

APP = "registryhub.celery.app"
ROLL_OUT = "deployer.tasks.roll_out"
_EXPIRES_SECONDS = 60.0

logger = logging.getLogger(__name__)


def wake_on_commit(service_id: int, delay_seconds: float) -> None:
    """Wake a worker once the caller's transaction is committed, so long after it."""
    transaction.on_commit(lambda: wake([service_id], delay_seconds))


def wake(service_ids: Iterable[int], delay_seconds: float = 0.0) -> None:
    """Send one message a service. A broker that does not answer costs the time until the next sweep, no more."""
    app: Celery = import_string(APP)
    try:
        for service_id in service_ids:
            app.send_task(
                ROLL_OUT,
                args=(service_id,),
                countdown=delay_seconds or None,
                expires=delay_seconds + _EXPIRES_SECONDS,
                retry=False,
                ignore_result=True,
            )
    except (OperationalError, OSError) as error:
        logger.warning("no worker could be woken, the sweep will find what waits: %s", error)
