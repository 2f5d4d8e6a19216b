"""Pulls of some repositories over time, without a point where nothing was pulled."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from notifications.analytics.live import moment_of, rows
from notifications.analytics.scope import among
from notifications.analytics.spans import Span
from notifications.analytics.tables import REPOSITORY_HOURS


def pulls_by_step(repository_ids: Iterable[int], span: Span) -> dict[int, dict[datetime, int]]:
    """By repository and by hour or day; of each that is asked for, though there were none. One query."""
    found: dict[int, dict[datetime, int]] = {key: {} for key in repository_ids}
    if not found:
        return found
    steps = rows(REPOSITORY_HOURS, "repository_id, pulls", among("repository_id", found), span)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT repository_id, step, SUM(pulls) FROM ({steps.sql}) AS steps GROUP BY repository_id, step",  # noqa: S608
            steps.parameters,
        )
        for key, step, pulls in cursor:
            found[key][moment_of(step)] = int(pulls)
    return found
