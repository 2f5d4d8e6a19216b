"""What is added to a total changes one row and no index; on PostgreSQL the row stays on its page, which has room.

No page asked the index of pulls: lists put repositories without totals among the others.
"""

from typing import Any

from django.db import migrations

_TOTALS = ("analytics_repositorytotals", "analytics_tagtotals", "analytics_digesttotals")


def make_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in _TOTALS:
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")


def take_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in _TOTALS:
            schema_editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = (("analytics", "0004_traffic_of_sources"),)

    operations = (
        migrations.RemoveIndex("repositorytotals", "repositorytotals_pulls"),
        migrations.RunPython(make_room, take_room, elidable=False),
    )
