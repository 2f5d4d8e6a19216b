"""What an older hub has counted goes on counting."""

import json
from pathlib import Path

from tests.servers.databases import Databases
from tests.servers.hub import Hub


def test_older_numbers_are_taken_over(tmp_path: Path, empty_databases: Databases) -> None:
    """Their days have rows already, today's too; windows and sources are made of them, and counting goes on."""
    hub = Hub(tmp_path, empty_databases)
    hub.prepare()
    hub.command("migrate", "--verbosity=0")
    hub.command("migrate", "analytics", "0001", "--verbosity=0")
    hub.module("tests.notifications.analytics.before_rules", "write")
    hub.command("migrate", "--verbosity=0")
    assert json.loads(hub.module("tests.notifications.analytics.before_rules", "read")) == {
        "windows": [2, 3, 4, 5, 6],
        "pushes": [2, 4, 6, 8, 10],
        "source": [6, 6],
        "today": 2,
        "is_today_over": True,
    }
