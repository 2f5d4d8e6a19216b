"""The storage driver that the configuration names, one for all threads of a process."""

from functools import cache

from django.conf import settings

from registryhub.storage.base import StorageDriver
from registryhub.storage.filesystem import FilesystemDriver


@cache
def configured_driver() -> StorageDriver:
    """For whoever reads beside the data plane."""
    return FilesystemDriver(settings.HUB.storage.driver.rootdirectory)
