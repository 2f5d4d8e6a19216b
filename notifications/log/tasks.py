"""What Celery carries out for the log. Messages only wake: done twice, the second finds nothing to do."""

from celery import shared_task
from celery.worker import state
from django.conf import settings

from notifications.log.trimming import trim


@shared_task(ignore_result=True)
def trim_log() -> None:
    """Remove the events that need not be kept any more."""
    trim(settings.HUB.hub.log, _is_stopping)


def _is_stopping() -> bool:
    return any(flag is not None for flag in (state.should_stop, state.should_terminate))
