"""Columns that compare and sort bytewise on every database."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class BytewiseField(_TextField):
    """A CharField for names, tags and digests.

    PostgreSQL sorts text by the locale of the database, which would break paging (`a-b` before `ab` or after it);
    SQLite sorts bytewise already.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
