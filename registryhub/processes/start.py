"""From `serve` to running processes, step by step; every step refuses with one clear line."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.db import connections

from registryhub.config.errors import ConfigError
from registryhub.config.load import load_config
from registryhub.config.model import Config
from registryhub.processes.addresses import Place, Refused, check_free, resolve
from registryhub.processes.administrator import PASSWORD_VARIABLE, ensure_administrator
from registryhub.processes.arguments import CONFIG_VARIABLE
from registryhub.processes.database import bring_up_to_date, one_at_a_time, wait_for_database
from registryhub.processes.debug.serve import DEBUG_KEY
from registryhub.processes.locks import AlreadyServed, serving
from registryhub.processes.roles import DEBUG, programs
from registryhub.processes.supervisor import Supervisor
from registryhub.processes.welcome import warnings, welcome

DATABASE_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """What `serve` was asked for."""

    config: Config
    data: Path
    roles: Sequence[str]
    may_migrate: bool
    output: TextIO

    def run(self) -> None:
        """Serve until told to stop. Raises AlreadyServed, Refused, NoDatabase or OSError before anything is started."""
        with serving(self.data, self.roles), ExitStack() as held:
            place = resolve(*self.config.http.listen)
            if "web" in self.roles:
                check_free(place)
            chosen = programs(self.roles, with_debug=take_debug(self.config, self.data, held))
            self._say(self._prepare(place))
            Supervisor(chosen, reload_problem=self._reload_problem, announce=self._announce).run()

    def _prepare(self, place: Place) -> str:
        """The database, its tables and the first administrator; what to print."""
        wait_for_database(patience_seconds=DATABASE_PATIENCE_SECONDS, output=self.output)
        try:
            bring_up_to_date(data=self.data, may_migrate=self.may_migrate)
            wanted = os.environ.pop(PASSWORD_VARIABLE, "")  # no child needs to know it
            with one_at_a_time(self.data):
                password = ensure_administrator(wanted)
        finally:
            connections.close_all()
        shown = (
            f"as set in {PASSWORD_VARIABLE}" if password and wanted else password and f"{password}  (shown this once)"
        )
        block = welcome(self.config, place=place, data=self.data, roles=self.roles, password=shown)
        return block + warnings(self.config, place)

    def _announce(self, seconds: float) -> None:
        self._say(f"Ready after {seconds:.1f} s.\n")

    def _say(self, text: str) -> None:
        self.output.write(text)
        self.output.flush()

    def _reload_problem(self) -> str | None:
        """Why the configuration as it stands now cannot be taken over while running, if so."""
        path = os.environ.get(CONFIG_VARIABLE) or os.environ.get("REGISTRY_CONFIGURATION_PATH")
        try:
            new = load_config(Path(path) if path else None, os.environ)
            if new.http.listen != self.config.http.listen and "web" in self.roles:
                check_free(resolve(*new.http.listen))
        except (ConfigError, Refused) as error:
            return str(error)
        if new.hub.data != self.config.hub.data or new.hub.database != self.config.hub.database:
            return "hub.data and hub.database cannot change while the hub runs; stop it and start it again"
        if (new.http.debug.addr is None) != (self.config.http.debug.addr is None):
            return "http.debug.addr cannot come or go while the hub runs; stop it and start it again"
        return None


def take_debug(config: Config, data: Path, held: ExitStack) -> bool:
    """Whether a debug server is to be started: if it has an address, by the first `serve` on this data folder.

    Raises Refused when the address cannot be listened on.
    """
    if config.http.debug.listen is None:
        return False
    try:
        held.enter_context(serving(data, (DEBUG.command,)))
    except AlreadyServed:
        return False
    check_free(resolve(*config.http.debug.listen, key=DEBUG_KEY), key=DEBUG_KEY)
    return True
