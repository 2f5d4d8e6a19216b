"""The doctor's check of the storage, for settings.DOCTOR_CHECKS."""

import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding, State
from registryhub.doctor.patience import SLOW_SECONDS
from registryhub.registry.drivers import configured_driver
from registryhub.storage.base import StorageDriver, StorageError
from registryhub.storage.paths import doctor_probe


def try_storage(visit: Visit) -> Iterator[Finding]:
    """Write, read and remove a small file, as a push would."""
    began = time.monotonic()
    try:
        is_same = _round_trip(configured_driver(), b"registryhub doctor\n")
    except (StorageError, OSError) as error:
        yield Finding(
            "storage", "stopped", f"a file cannot be kept: {error}", "Free some room, or let the hub write there."
        )
        return
    seconds = time.monotonic() - began
    if not is_same:
        yield Finding("storage", "stopped", "what is read is not what was written", "Check the disk and its driver.")
        return
    state: State = "ok" if seconds <= SLOW_SECONDS else "slow"
    yield Finding("storage", state, "a file was written, synced, read and removed", seconds=seconds)


def _round_trip(driver: StorageDriver, content: bytes) -> bool:
    path = doctor_probe(uuid4())
    try:
        driver.write(path, content)
        reader = driver.open_reader(path)
        try:
            found = b"".join(reader)
        finally:
            reader.close()
        driver.delete(path)
    except BaseException:
        with suppress(StorageError, OSError):
            driver.delete(path)
        raise
    return found == content
