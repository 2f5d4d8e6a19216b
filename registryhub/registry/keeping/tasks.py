"""What Celery carries out. Messages only wake: done twice, the second finds the run held or nothing to do."""

from celery import shared_task
from django.conf import settings

from registryhub.registry.keeping import quotas, runs
from registryhub.workers import is_stopping


@shared_task(ignore_result=True)
def apply_retention() -> None:
    """Begin the run whose time has come, and carry out those that wait."""
    runs.schedule_run(settings.HUB.hub.retention.interval_seconds)
    runs.work_off(is_stopping)


@shared_task(ignore_result=True)
def recount_quotas() -> None:
    """Add up anew what every namespace with a quota holds."""
    quotas.recount_all()
