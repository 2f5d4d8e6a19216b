"""When counting began."""

from datetime import datetime

from django.db import connection
from django.utils import timezone

from notifications.analytics.classify import FIRST_REGISTRY, MAX_AHEAD
from notifications.analytics.live import moment_of, rows
from notifications.analytics.scope import Scope
from notifications.analytics.spans import Span
from notifications.analytics.tables import REPOSITORY_HOURS, SOURCE_HOURS


def first_counted(scope: Scope) -> datetime | None:
    """The first day on which anything was; None for never. One query."""
    table = SOURCE_HOURS if scope.repositories is None else REPOSITORY_HOURS
    span = Span("day", FIRST_REGISTRY, timezone.now() + MAX_AHEAD)
    days = rows(table, "pulls", scope.condition(), span)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MIN(step) FROM ({days.sql}) AS days", days.parameters)  # noqa: S608
        (found,) = cursor.fetchone()
    return moment_of(found) if found else None
