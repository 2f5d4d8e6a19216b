"""Maintenance of what is stored."""

from celery import shared_task
from django.conf import settings

from registryhub.config.model import Config
from registryhub.registry import purge
from registryhub.registry.room import Store
from registryhub.storage.filesystem import FilesystemDriver


@shared_task(ignore_result=True)
def purge_uploads() -> None:
    """Forget the uploads that nobody finished in time; harmless when it runs twice at once."""
    config: Config = settings.HUB
    driver = FilesystemDriver(config.storage.driver.rootdirectory)
    store = Store(driver, settings.DATA_DIR, config.hub.limits.free_bytes)
    purge.purge_uploads(store, config.storage.maintenance.uploadpurging.age_seconds)
