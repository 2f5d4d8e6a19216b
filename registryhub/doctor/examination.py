"""An examination: everything in settings.DOCTOR_CHECKS, one after the other, each whatever became of the others."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils.module_loading import import_string

from registryhub.doctor.findings import Finding

PATIENCE_SECONDS = 10.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a check may know. `checkup` is the row of the examination, None when it cannot be written.

    `patience_seconds` is how long a hop may take; with `delivers` each endpoint is sent a test event.
    """

    checkup: int | None
    delivers: bool = False
    patience_seconds: float = PATIENCE_SECONDS


Check = Callable[[Visit], Iterable[Finding]]


def examine(visit: Visit) -> Iterator[Finding]:
    """Each finding as soon as it is known. Never raises what a check raises."""
    for name, path in settings.DOCTOR_CHECKS.items():
        check: Check = import_string(path)
        yield from _look(name, check, visit)


def _look(name: str, check: Check, visit: Visit) -> Iterator[Finding]:
    try:
        yield from check(visit)
    except (DatabaseError, InterfaceError) as error:
        yield Finding(name, "skipped", f"needs the database: {str(error).strip().partition(chr(10))[0]}")
        if not connection.in_atomic_block:
            connection.close()
    except Exception as error:
        _logger.exception("the doctor's check %s failed", name)
        yield Finding(name, "stopped", f"the check itself failed: {error!r}", "See the log of this process.")
