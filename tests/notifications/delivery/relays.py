"""The relay as a process of its own, on the database of the unit tests, with endpoints to send to."""

import json
from pathlib import Path
from typing import Any

from tests.notifications.log.processes import Program, Relay

_TELL = """
from pathlib import Path
from notifications.log import roster
real = roster.Roster.refresh
def refresh(self):
    real(self)
    Path({path!r}).touch()
roster.Roster.refresh = refresh
"""


class SendingRelay(Relay):
    """`manage.py relay` with the consumers of the hub and these endpoints; ready once it works or stands by.

    `fault` is code that lets it die somewhere.
    """

    def __init__(self, folder: Path, name: str, endpoints: list[dict[str, Any]], *, fault: str = "") -> None:
        self._stands_by = folder / f"{name}-stands-by"
        super().__init__(folder, name=name, fault=_TELL.format(path=str(self._stands_by)) + fault)
        self._endpoints = endpoints

    def environment(self) -> dict[str, str]:
        return {
            **Program.environment(self),
            "DJANGO_SETTINGS_MODULE": "registryhub.settings",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS": json.dumps(self._endpoints),
        }

    def is_ready(self) -> bool:
        return self._stands_by.exists()
