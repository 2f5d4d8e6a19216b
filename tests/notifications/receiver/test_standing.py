"""How sources stand."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.log.models import QuarantinedEvent, SourceTally
from notifications.receiver.standing import Clock, Standing, read_standings
from registryhub.access.models import HUB_SOURCE_ID, Source

pytestmark = pytest.mark.django_db


def test_each_source_has_its_counts_and_what_waits() -> None:
    """Also one of which nothing has come; two queries for all of them."""
    edge = Source.objects.create(name="edge")
    SourceTally.objects.create(source=edge, events=7, duplicates=2, quarantined=3)
    for discarded_at in (None, None, timezone.now()):
        QuarantinedEvent.objects.create(
            source=edge, raw=b"?", reason="?", received_at=timezone.now(), discarded_at=discarded_at
        )
    with CaptureQueriesContext(connection) as queries:
        found = read_standings(Source.objects.order_by("name"))
    assert len(queries) == 2
    assert [(each.source.name, each.tally.events, each.waiting) for each in found] == [("edge", 7, 2), ("hub", 0, 0)]


@pytest.mark.parametrize(
    ("offset", "clock"),
    [(None, ""), (0.0, "right"), (299.0, "right"), (-299.0, "right"), (301.0, "ahead"), (-301.0, "behind")],
)
def test_a_clock_is_believed_within_five_minutes(offset: float | None, clock: Clock) -> None:
    """Without an event there is nothing to say."""
    tally = SourceTally(source_id=HUB_SOURCE_ID, offset_seconds=offset)
    standing = Standing(Source(name="edge"), 0, tally)
    assert standing.clock == clock
    assert standing.offset == (None if offset is None else timedelta(seconds=abs(offset)))
