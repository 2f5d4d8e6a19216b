"""Maintenance of what belongs to accounts."""

from celery import shared_task
from django.core.management import call_command


@shared_task(ignore_result=True)
def purge_sessions() -> None:
    """Delete the sessions that have expired; done twice, the second time finds none."""
    call_command("clearsessions")
