"""How much came from each source and what became of it, counted in the transactions that move it to the log."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection


@dataclass(slots=True)
class Counts:
    """Of one source: events put into the log, known ones left out, and those that went to quarantine."""

    events: int = 0
    duplicates: int = 0
    quarantined: int = 0


def add(counts: Mapping[int, Counts]) -> None:
    """Add to the tallies of the sources, on the caller's transaction."""
    if not counts:
        return
    rows = [(source_id, each.events, each.duplicates, each.quarantined) for source_id, each in counts.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO log_sourcetally AS tally (source_id, events, duplicates, quarantined)"  # noqa: S608
            f" VALUES {', '.join(['(%s, %s, %s, %s)'] * len(rows))} ON CONFLICT (source_id) DO UPDATE SET"
            " events = tally.events + excluded.events, duplicates = tally.duplicates + excluded.duplicates,"
            " quarantined = tally.quarantined + excluded.quarantined",
            [value for row in rows for value in row],
        )
