"""How many different clients pulled from a repository on a day."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from django.db import connection

from registryhub.database.arrays import as_parameters


class Puller(NamedTuple):
    """A client of a repository on a day; `who` is a hash."""

    repository_id: int
    day: date
    who: int


_ADD = """
INSERT INTO analytics_puller (repository_id, day, who, pulls, changed_on) {rows}
ON CONFLICT (repository_id, day, who)
DO UPDATE SET pulls = analytics_puller.pulls + excluded.pulls, changed_on = excluded.changed_on
RETURNING repository_id, day, who, pulls
"""
_ROWS = {
    "postgresql": "SELECT *, current_date FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[])",
    "sqlite": "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
    " json_extract(value, '$[3]'), date('now') FROM json_each(%s) WHERE true",
}


def add(pulls: Mapping[Puller, int]) -> Iterator[tuple[int, date, int]]:
    """Add so many pulls of each; by repository and day, how many pullers more (or less) there are. One statement.

    Who pulls no more, since what was taken for a pull turned out to belong to another, is a puller no more.
    """
    rows = sorted((*puller, times) for puller, times in pulls.items() if times)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=_ROWS[connection.vendor]), as_parameters(rows))
        found = cursor.fetchall()
    for repository_id, stored_day, who, after in found:
        day = stored_day if isinstance(stored_day, date) else date.fromisoformat(stored_day)
        before = after - pulls[Puller(repository_id, day, who)]
        if (before > 0) != (after > 0):
            yield repository_id, day, 1 if after > 0 else -1
