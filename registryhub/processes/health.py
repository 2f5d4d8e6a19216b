"""`/healthz` and `/readyz`: whether this process lives, and whether it can do its work. Nothing is written."""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import DatabaseError, InterfaceError

from registryhub.database.lookups import Lookup
from registryhub.database.transactions import release_connection
from registryhub.http.response import Response, json_response
from registryhub.processes.database import pending_migrations

logger = logging.getLogger(__name__)

_ONE = Lookup("hub_readiness", "SELECT 1")
_LEAST_FREE_BYTES = 1 << 20
_NO_STORE = ("cache-control", "no-store")


def alive() -> Response:
    """200 whenever the process answers at all."""
    return json_response({"alive": True}, 200, [_NO_STORE])


class Readiness:
    """200, or 503 with the reasons. Details go to the log, once a change: anybody may ask, and hosts and paths are
    nobody's business.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._is_migrated = False
        self._told: dict[str, str] = {}

    def answer(self) -> Response:
        problems = self.problems()
        release_connection()
        document = {"ready": not problems, "problems": problems}
        return json_response(document, 503 if problems else 200, [_NO_STORE])

    def problems(self) -> dict[str, str]:
        """What is wrong, by the name of the check; nothing when this process can do its work."""
        checks: dict[str, Callable[[], str | None]] = {
            "database": self._database,
            "migrations": self._migrations,
            "storage": self._storage,
        }
        problems: dict[str, str] = {}
        for name, check in checks.items():
            problem = check()
            if problem is not None:
                problems[name] = problem
            if name == "database" and problem is not None:
                break  # the next one would only say so again
        return problems

    def _database(self) -> str | None:
        try:
            _ONE.one()
        except (DatabaseError, InterfaceError) as error:
            return self._tell("database", "the database does not answer", str(error))
        return self._tell("database", None)

    def _migrations(self) -> str | None:
        """Asked until there is nothing pending: this code will never have more."""
        if not self._is_migrated:
            try:
                pending = pending_migrations()
            except (DatabaseError, InterfaceError) as error:
                return self._tell("migrations", "the database does not answer", str(error))
            if pending:
                return self._tell("migrations", "migrations are pending", ", ".join(pending))
            self._is_migrated = True
        return self._tell("migrations", None)

    def _storage(self) -> str | None:
        for folder in self._folders:
            place = next(path for path in (folder, *folder.parents) if path.exists())
            if not os.access(place, os.W_OK | os.X_OK):
                return self._tell("storage", "the storage cannot be written", str(place))
            if shutil.disk_usage(place).free < _LEAST_FREE_BYTES:
                return self._tell("storage", "the disk is full", str(place))
        return self._tell("storage", None)

    def _tell(self, check: str, problem: str | None, detail: str = "") -> str | None:
        if problem != self._told.get(check):
            if problem is None:
                del self._told[check]
                logger.warning("%s: well again", check)
            else:
                self._told[check] = problem
                logger.warning("not ready: %s: %s", problem, detail)
        return problem
