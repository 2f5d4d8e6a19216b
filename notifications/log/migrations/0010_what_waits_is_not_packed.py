"""What waits in the intake is read within moments: PostgreSQL spent half a core on compressing it under full load."""

from typing import Any

from django.db import migrations

_STORE = "ALTER TABLE log_intake ALTER COLUMN raw SET STORAGE {kind}"


def leave_as_it_is(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_STORE.format(kind="EXTERNAL"))


def compress(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_STORE.format(kind="EXTENDED"))


class Migration(migrations.Migration):
    dependencies = (("log", "0009_last_events_and_decisions"),)

    operations = (migrations.RunPython(leave_as_it_is, compress, elidable=False),)
