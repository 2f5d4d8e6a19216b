"""Workers: how they are told that there is something to do, and how their tasks know that it is time to stop.

A message only wakes: rows say what there is to do, and a sweep looks too.
"""

import logging

from celery import Celery
from celery.worker import state
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

APP = "registryhub.celery.app"
_EXPIRES_SECONDS = 60.0

_logger = logging.getLogger(__name__)


def wake(task: str, *arguments: int, delay_seconds: float = 0.0) -> None:
    """Send the message of a task. A broker that does not answer costs the time until the next sweep, no more."""
    app: Celery = import_string(APP)
    try:
        app.send_task(
            task,
            args=arguments,
            countdown=delay_seconds or None,
            expires=delay_seconds + _EXPIRES_SECONDS,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        _logger.warning("no worker could be woken for %s, the sweep will find what waits: %s", task, error)


def is_stopping() -> bool:
    """Whether the worker that this process is has been told to end: a task leaves what is left to another one."""
    return any(flag is not None for flag in (state.should_stop, state.should_terminate))
