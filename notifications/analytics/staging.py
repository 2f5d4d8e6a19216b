"""A second set of the counters, in which can be counted again while the first goes on.

They are temporary tables of the same names, which hide the real ones from this connection: everything that counts
works in there without knowing. `MAIN` and `STAGED` name both where they meet.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection

from notifications.analytics.tables import TOTALS_OF

_BUFFERS = "64MB"
"""Of PostgreSQL's memory for the tables, 8 MB by default: what does not fit is written to files."""


def table_names() -> list[str]:
    """Of all that the counters consist of."""
    return [model._meta.db_table for model in apps.get_app_config("analytics").get_models()]


@contextmanager
def staging() -> Iterator[None]:
    """Empty counters for this connection. Outside a transaction: on SQLite they need no lock of the database."""
    if connection.vendor == "postgresql":
        _execute(f"SET temp_buffers = '{_BUFFERS}'")
    for name in table_names():
        _make(name)
    try:
        yield
    finally:
        connection.ensure_connection()
        for name in table_names():
            _execute(f"DROP TABLE IF EXISTS {staged(name)}")


def empty() -> None:
    """Forget what was counted by hours and days; what is of all time stays."""
    kept = {totals.name for totals in TOTALS_OF.values()} | {"analytics_windowstart"}
    empties = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    for name in table_names():
        if name not in kept:
            _execute(f"{empties} {staged(name)}")


def main(name: str) -> str:
    """The real table."""
    return f"{_schema()}.{name}"


def staged(name: str) -> str:
    """The temporary one."""
    return f"pg_temp.{name}" if connection.vendor == "postgresql" else f"temp.{name}"


def _schema() -> str:
    if connection.vendor != "postgresql":
        return "main"
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def _make(name: str) -> None:
    if connection.vendor == "postgresql":
        _execute(f"CREATE TEMPORARY TABLE {name} (LIKE {main(name)} INCLUDING ALL)")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, sql FROM main.sqlite_master WHERE tbl_name = %s AND sql <> ''", (name,))
        statements = cursor.fetchall()
    for kind, statement in sorted(statements, reverse=True):  # tables before indexes
        if kind == "table":
            _execute(statement.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
        else:
            _execute(statement.replace(' INDEX "', ' INDEX temp."', 1))


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
