"""Telling a worker that a run waits. The message only wakes: the schedule finds the row too, a little later."""

import logging

from celery import Celery
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

APP = "registryhub.celery.app"
TASK = "registryhub.registry.keeping.tasks.apply_retention"

_logger = logging.getLogger(__name__)


def wake() -> None:
    """A broker that does not answer costs the time until the schedule comes round, no more."""
    app: Celery = import_string(APP)
    try:
        app.send_task(TASK, expires=60.0, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _logger.warning("no worker could be woken, the schedule will find what waits: %s", error)
