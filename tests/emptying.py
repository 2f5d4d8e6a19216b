"""Emptying the database after a test whose transactions were real: only the tables that have rows.

Django's own way empties every table and makes all permissions anew, which took as long as most of the tests do.
"""

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

from registryhub.access.hub_source import make_hub_source

_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def empty_quickly() -> None:
    """From now on in this process."""
    TransactionTestCase._fixture_teardown = _empty_database  # type: ignore[attr-defined]


def _empty_database(case: TransactionTestCase) -> None:
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - _KEPT)
    looks = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # or each row is looked for in every table that may refer to it
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(" UNION ALL ".join(looks))
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
        make_hub_source(apps.get_app_config("access"), using=connection.alias)
