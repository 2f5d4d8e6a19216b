"""Updates of one row that are made over and over, written once: the ORM writes a dozen columns anew in 400 µs, where
the database takes 40.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Model


class RowUpdate:
    """Writes the named fields of an instance to its row. `condition` is SQL over the row that must hold besides."""

    def __init__(self, model: type[Model], names: Sequence[str], condition: str = "TRUE") -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields = [fields[name] for name in names]
        columns = ", ".join(f"{field.column} = %s" for field in self._fields)
        table, key = model._meta.db_table, model._meta.pk.column
        self._sql = f"UPDATE {table} SET {columns} WHERE {key} = %s AND {condition}"  # noqa: S608

    def run(self, instance: Model, *parameters: str | int) -> bool:
        """Whether there was such a row. `parameters` are those of the condition."""
        values = [field.get_db_prep_save(getattr(instance, field.attname), connection) for field in self._fields]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [*values, instance.pk, *parameters])
            return bool(cursor.rowcount)
