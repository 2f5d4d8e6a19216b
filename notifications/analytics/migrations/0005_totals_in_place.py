from django.db import migrations

IN_PLACE = """
ALTER TABLE analytics_repositorytotals SET (fillfactor = 50);
CLUSTER analytics_repositorytotals USING analytics_repositorytotals_pkey;
ALTER TABLE analytics_repositorytotals SET WITHOUT CLUSTER;
"""


def make_room(apps, schema_editor):
    """PostgreSQL writes a row that changes beside the old one if there is room and no index says otherwise.

    The table then stays as small as it is. It is written anew once, since by now it may be several times that.
    """
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(IN_PLACE)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0004_traffic_of_sources")]

    operations = [
        migrations.RemoveIndex(model_name="repositorytotals", name="repositorytotals_pulls"),
        migrations.RunPython(make_room, migrations.RunPython.noop),
    ]
