"""What is added to a total changes one row and no index: on PostgreSQL the row stays on its page, which has room.

No page asked the index of pulls: lists put repositories without totals among the others. The totals of repositories,
which boards read whole, are written anew once, since by now they may take up several times their size.
"""

from typing import Any

from django.db import migrations

_FULL = {"analytics_repositorytotals": 50, "analytics_tagtotals": 80, "analytics_digesttotals": 80}
_WRITE_ANEW = """
CLUSTER analytics_repositorytotals USING analytics_repositorytotals_pkey;
ALTER TABLE analytics_repositorytotals SET WITHOUT CLUSTER;
"""


def make_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table, percent in _FULL.items():
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")
        schema_editor.execute(_WRITE_ANEW)


def take_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in _FULL:
            schema_editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = (("analytics", "0004_traffic_of_sources"),)

    operations = (
        migrations.RemoveIndex("repositorytotals", "repositorytotals_pulls"),
        migrations.RunPython(make_room, take_room, elidable=False),
    )
