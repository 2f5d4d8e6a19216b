"""What Celery carries out for the log. Messages only wake: done twice, the second finds nothing to do."""

from celery import shared_task
from django.conf import settings

from notifications.log import quarantine
from notifications.log.seen import forget
from notifications.log.trimming import trim
from registryhub.config.keeping import EventLog
from registryhub.workers import is_stopping


@shared_task(ignore_result=True)
def trim_log() -> None:
    """Remove the events that need not be kept any more, those in quarantine too, and forget ids."""
    keep: EventLog = settings.HUB.hub.log
    trim(keep, is_stopping)
    forget(keep.seen_seconds, is_stopping)
    quarantine.trim(keep, is_stopping)
