"""For commands that must have the hub for themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from registryhub.processes.database import bring_up_to_date, wait_for_database
from registryhub.processes.locks import serving
from registryhub.processes.roles import ROLES

_PATIENCE_SECONDS = 10.0


@contextmanager
def out_of_service(data: Path, *, may_migrate: bool, output: TextIO) -> Iterator[None]:
    """Nothing is served from the data folder meanwhile, and the database is as new as the code.

    Raises AlreadyServed, NoDatabase or OSError.
    """
    with serving(data, ROLES):
        wait_for_database(patience_seconds=_PATIENCE_SECONDS, output=output)
        bring_up_to_date(data=data, may_migrate=may_migrate)
        yield
