"""Days are made of their hours when they are over: so what happens now is added to hours only.

What comes later for a day that is over is added to both. Which days are over stands in one row; it moves on an hour
after midnight, so that what comes a little late costs no more.
"""

from datetime import datetime, timedelta

from django.db import connection

from notifications.analytics.tables import DAYS_OF, REPOSITORY_DAYS, SOURCE_DAYS, Table

LATE = timedelta(hours=1)


def over_at(now: datetime) -> datetime:
    """Before which moment days are over."""
    return (now - LATE).replace(hour=0, minute=0, second=0, microsecond=0)


def close(start: datetime, end: datetime) -> None:
    """Make the days from `start` to before `end`, which have no rows yet. On the caller's transaction."""
    for hours, days in DAYS_OF.items():
        _add_up(hours, days, start, end)
    _count_pullers(start, end)


def day_of_hour() -> str:
    """The day of a row's hour, in the database's words."""
    return "(hour AT TIME ZONE 'UTC')::date" if connection.vendor == "postgresql" else "date(hour)"


def _add_up(hours: Table, days: Table, start: datetime, end: datetime) -> None:
    keys = ", ".join(day_of_hour() if key == "day" else key for key in days.keys)
    sums = ", ".join(f"SUM({name})" for name in hours.counts)
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {days.name} ({', '.join((*days.keys, *hours.counts))}) SELECT {keys}, {sums}"  # noqa: S608
            f" FROM {hours.name} WHERE hour >= %s AND hour < %s GROUP BY {keys}",
            (adapt(start), adapt(end)),
        )


def _count_pullers(start: datetime, end: datetime) -> None:
    for days, keys, joined in (
        (REPOSITORY_DAYS, "day, repository_id", ""),
        (
            SOURCE_DAYS,
            "day, source_id, is_public",
            "JOIN access_repository ON access_repository.id = analytics_puller.repository_id",
        ),
    ):
        nothing = ", ".join("0" for _ in days.counts[:-1])
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {days.name} ({', '.join(days.columns)}) SELECT {keys}, {nothing}, COUNT(*)"  # noqa: S608
                f" FROM analytics_puller {joined} WHERE pulls > 0 AND day >= %s AND day < %s GROUP BY {keys}"
                f" ON CONFLICT ({', '.join(days.keys)}) DO UPDATE SET pullers = excluded.pullers",
                (start.date().isoformat(), end.date().isoformat()),
            )
