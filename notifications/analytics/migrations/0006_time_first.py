"""The time comes first in each key, and the indexes by time go: an event changes fewer pages (`models` says why).

A table is written anew in the order of its new key on SQLite, and has its index built anew on PostgreSQL: minutes for
tens of millions of rows. On SQLite a table whose rows hold little beside their key is the index of it then.
"""

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from django.db import migrations, models

_USE = ("action", "audience", "client", "platform", "actor")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "repository{}": ("repository_id", "{}"),
    "tag{}": ("repository_id", "tag", "{}"),
    "digest{}": ("repository_id", "digest", "{}"),
    "repositoryuse{}": ("repository_id", "{}", *_USE),
    "source{}": ("source_id", "is_public", "{}"),
    "sourceuse{}": ("source_id", "is_public", "{}", *_USE),
    "sourcetraffic{}": ("source_id", "is_public", "{}", *_USE[:-1]),
}
OLD: Mapping[str, Sequence[str]] = {
    **{
        table.format(step): tuple(key.format(step) for key in keys)
        for table, keys in _KEYS.items()
        for step in ("hour", "day")
    },
    "trace": ("repository_id", "client", "slot"),
    "puller": ("repository_id", "day", "who"),
}
_TIMES = ("hour", "day", "slot")
NEW: Mapping[str, Sequence[str]] = {
    table: (*(key for key in keys if key in _TIMES), *(key for key in keys if key not in _TIMES))
    for table, keys in OLD.items()
}

# Every hour and every day in which anything was done with a source is found in these from now on.
_FILL = """
INSERT INTO analytics_source{step} (source_id, is_public, {step}, pulls, checks, pushes)
SELECT DISTINCT source_id, is_public, {step}, 0, 0, 0 FROM analytics_sourcetraffic{step} WHERE true
ON CONFLICT (source_id, is_public, {step}) DO NOTHING
"""
_REKEY = """
ALTER TABLE analytics_{table} DROP CONSTRAINT analytics_{table}_pkey;
ALTER TABLE analytics_{table} ADD CONSTRAINT analytics_{table}_pkey PRIMARY KEY ({keys});
"""


def put_time_first(apps: Any, schema_editor: Any) -> None:
    """What BRIN indexes told of a time, the keys tell."""
    for step in ("hour", "day"):
        schema_editor.execute(_FILL.format(step=step))
    import_module("notifications.analytics.migrations.0003_found_by_time").forget(apps, schema_editor)
    _change_keys(schema_editor, NEW, has_rowid=("trace", "puller"))


def put_time_back(apps: Any, schema_editor: Any) -> None:
    _change_keys(schema_editor, OLD, has_rowid=tuple(OLD))
    import_module("notifications.analytics.migrations.0003_found_by_time").index(apps, schema_editor)


def _change_keys(schema_editor: Any, keys_of: Mapping[str, Sequence[str]], has_rowid: Sequence[str]) -> None:
    for table, keys in keys_of.items():
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(_REKEY.format(table=table, keys=", ".join(keys)))
        else:
            kind = "" if table in has_rowid else " WITHOUT ROWID"
            _write_anew(schema_editor, f"analytics_{table}", ", ".join(f'"{key}"' for key in keys), kind)


def _write_anew(schema_editor: Any, table: str, keys: str, kind: str) -> None:
    """SQLite cannot change a key."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT type, sql FROM sqlite_master WHERE tbl_name = %s AND sql <> ''", (table,))
        statements = cursor.fetchall()
    made, changed = re.subn(r"PRIMARY KEY \([^)]*\)", f"PRIMARY KEY ({keys})", dict(statements)["table"])
    if changed != 1:
        raise RuntimeError(f"{table} has no key of several columns: {made}")
    schema_editor.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_before"')
    schema_editor.execute(made.removesuffix(" WITHOUT ROWID") + kind)
    schema_editor.execute(f'INSERT INTO "{table}" SELECT * FROM "{table}_before" ORDER BY {keys}')
    schema_editor.execute(f'DROP TABLE "{table}_before"')
    for kind, statement in statements:
        if kind == "index":
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("analytics", "0005_totals_in_place"),)

    operations = (
        migrations.RemoveIndex("repositoryhour", "repositoryhour_hour"),
        migrations.RemoveIndex("repositoryday", "repositoryday_day"),
        migrations.RemoveIndex("taghour", "taghour_repository_hour"),
        migrations.RemoveIndex("tagday", "tagday_repository_day"),
        migrations.RemoveIndex("digesthour", "digesthour_repository_hour"),
        migrations.RemoveIndex("digestday", "digestday_repository_day"),
        migrations.RemoveIndex("puller", "puller_day"),
        migrations.SeparateDatabaseAndState(
            (migrations.RunPython(put_time_first, put_time_back),),
            tuple(
                migrations.AlterField(
                    table,
                    "pk",
                    models.CompositePrimaryKey(*keys, blank=True, editable=False, primary_key=True, serialize=False),
                )
                for table, keys in NEW.items()
            ),
        ),
    )
