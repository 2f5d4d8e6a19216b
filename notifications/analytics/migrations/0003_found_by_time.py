from django.db import migrations

# Rows come nearly in the order of time, so an index of where in the table which time is costs next to nothing.
BY_TIME = {
    "taghour": "hour",
    "digesthour": "hour",
    "repositoryusehour": "hour",
    "tagday": "day",
    "digestday": "day",
    "repositoryuseday": "day",
    "trace": "slot",
}


def index(apps, schema_editor):
    """Only PostgreSQL has such indexes. An hour or a day of all repositories is read when it ends, and counted again."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, column in BY_TIME.items():
        schema_editor.execute(
            f"CREATE INDEX {table}_by_{column} ON analytics_{table}"
            f" USING brin ({column}) WITH (pages_per_range = 32, autosummarize = on)"
        )


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, column in BY_TIME.items():
            schema_editor.execute(f"DROP INDEX {table}_by_{column}")


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_counted_by_rules")]

    operations = [migrations.RunPython(index, forget)]
