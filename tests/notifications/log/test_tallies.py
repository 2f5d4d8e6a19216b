"""When a source was last heard of, and how its clock goes."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.log.models import Intake, SourceTally
from notifications.log.tallies import STANDS_SECONDS
from registryhub.access.models import HUB_SOURCE_ID
from tests.notifications.log.making import intake_pull, sequence_all, store

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def come(id_: str, *, after: float, late: float = 0.0) -> None:
    """An event that comes in so many seconds after noon, and happened so long before by its own clock."""
    came = NOON + timedelta(seconds=after)
    intake_pull(id_, timestamp=came - timedelta(seconds=late))
    Intake.objects.update(received_at=came)
    sequence_all()


def tally() -> SourceTally:
    return SourceTally.objects.get(source_id=HUB_SOURCE_ID)


def test_the_last_event_is_known_by_both_clocks() -> None:
    """When it came in, and when it says that it happened; a duplicate or an unreadable one is no event."""
    come("a", after=0, late=5)
    come("b", after=60, late=7)
    come("b", after=120)
    store("\0")
    sequence_all()
    found = tally()
    assert (found.events, found.duplicates, found.quarantined) == (2, 1, 1)
    assert found.last_received_at == NOON + timedelta(seconds=60)
    assert found.last_occurred_at == NOON + timedelta(seconds=53)


def test_the_latest_of_those_that_come_together_counts() -> None:
    """Senders do not keep to the order."""
    for id_, late in (("a", 30), ("b", 10), ("c", 20)):
        intake_pull(id_, timestamp=NOON - timedelta(seconds=late))
    Intake.objects.update(received_at=NOON)
    sequence_all()
    assert (tally().last_occurred_at, tally().offset_seconds) == (NOON - timedelta(seconds=10), -10.0)


def test_a_clock_that_is_ahead_is_known_at_once() -> None:
    """Nothing comes before it happens."""
    come("a", after=0, late=1)
    come("b", after=1, late=-900)
    assert tally().offset_seconds == 900.0


def test_what_came_late_says_nothing_while_something_came_sooner() -> None:
    """A queue that empties after an outage, or a file of last year, is no clock that is behind."""
    come("a", after=0, late=2)
    come("b", after=10, late=86_400)
    assert (tally().offset_seconds, tally().offset_at) == (-2.0, NOON)
    assert tally().last_received_at == NOON + timedelta(seconds=10)


def test_after_an_hour_the_next_event_tells() -> None:
    """A clock may have been set in between."""
    come("a", after=0, late=-900)
    come("b", after=STANDS_SECONDS - 1, late=1)
    assert tally().offset_seconds == 900.0
    come("c", after=STANDS_SECONDS + 1, late=1)
    assert tally().offset_seconds == -1.0


def test_a_source_of_which_nothing_came_has_no_times() -> None:
    """Only what could not be read."""
    store("\0")
    sequence_all()
    assert (tally().last_received_at, tally().last_occurred_at, tally().offset_seconds) == (None, None, None)
