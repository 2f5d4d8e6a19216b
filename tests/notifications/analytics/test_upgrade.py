"""What an older hub has counted goes on counting."""

import json
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.db import connection

from notifications.analytics.models import SourceTrafficDay, SourceTrafficHour
from tests.notifications.analytics.logged import NOON, counted, logged
from tests.notifications.analytics.tables import read_tables
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


def test_keys_change_and_no_number_does(tmp_path: Path, empty_databases: Databases) -> None:
    """There and back; an hour of a source that only the traffic told of is there by itself afterwards."""
    hub = Hub(tmp_path, empty_databases)
    hub.prepare()
    hub.command("migrate", "--verbosity=0")
    hub.module("tests.notifications.analytics.before_rules", "count")

    def numbers() -> object:
        return json.loads(hub.module("tests.notifications.analytics.tables"))

    expected = numbers()
    hub.command("migrate", "analytics", "0005", "--verbosity=0")
    assert numbers() == expected
    hub.module("tests.notifications.analytics.before_rules", "forget")
    hub.command("migrate", "--verbosity=0")
    assert numbers() == expected
    assert hub.module("tests.notifications.analytics.before_rules", "mounts").split() == ["1"]


@pytest.mark.django_db
def test_what_was_told_apart_by_users_is_added_up() -> None:
    """The traffic of a source is made of what was counted with the names of users."""
    old = NOON - timedelta(days=5)
    for actor in ("", "ann", "bob"):
        counted(logged("pull", "a", actor=actor), logged("push", "a", actor=actor, occurred_at=old))
    expected = read_tables()
    SourceTrafficHour.objects.all().delete()
    SourceTrafficDay.objects.all().delete()
    fill = import_module("notifications.analytics.migrations.0004_traffic_of_sources").FILL
    with connection.cursor() as cursor:
        for step in ("hour", "day"):
            cursor.execute(fill.format(step=step))
    assert read_tables() == expected
