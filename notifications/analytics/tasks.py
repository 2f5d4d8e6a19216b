"""What Celery carries out for the counters. Messages only wake: done twice, the second finds nothing to do."""

from celery import shared_task
from django.conf import settings

from notifications.analytics.tidying import forget, move_windows_on
from registryhub.config.keeping import EventLog
from registryhub.workers import is_stopping


@shared_task(ignore_result=True)
def tidy_counters() -> None:
    """Let windows end now, and forget what the counters need no more."""
    keep: EventLog = settings.HUB.hub.log
    move_windows_on()
    forget(keep.seen_seconds, is_stopping)
