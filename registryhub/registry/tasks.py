"""Maintenance of what is stored. Messages only wake: the rows say what there is to do."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from registryhub.config.model import Config
from registryhub.registry import purge
from registryhub.registry.collect import plan
from registryhub.registry.collect.work import work_off
from registryhub.registry.drivers import configured_driver
from registryhub.registry.room import Store
from registryhub.workers import is_stopping


@shared_task(ignore_result=True)
def purge_uploads() -> None:
    """Forget the uploads that nobody finished in time, also while the registry is only read."""
    config: Config = settings.HUB
    purging = config.storage.maintenance.uploadpurging
    if purging.enabled:
        store = Store(configured_driver(), settings.DATA_DIR, config.hub.limits.free_bytes)
        purge.purge_uploads(store, purging.age_seconds, is_dry_run=purging.dryrun)


@shared_task(ignore_result=True)
def collect_garbage() -> None:
    """Carry out the collection that is due by the clock, and those that somebody asked for or that were interrupted.

    Also while the registry is only read: what goes is what nobody can see or has asked to go.
    """
    plan.schedule(settings.HUB.hub.collect, timezone.now())
    work_off(configured_driver(), is_stopping)
