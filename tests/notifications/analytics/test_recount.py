"""What is counted again from the log is what was counted as it came."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from notifications.analytics import portions, staging
from notifications.analytics.counters import NAME
from notifications.analytics.models import RepositoryDay, RepositoryHour, RepositoryTotals, TagTotals
from notifications.analytics.portions import Days
from notifications.analytics.recount import recount
from notifications.log.consume import LoggedEvent
from notifications.log.models import Consumer, LogHead
from registryhub.database.bulk import insert_rows, moment_adapter
from tests.notifications.analytics.logged import counted, logged
from tests.notifications.analytics.tables import read_tables

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
AGENTS = ("docker/27", "docker/27", "Trivy/0.50.0", "skopeo/1.9")


def write_log(events: list[LoggedEvent]) -> None:
    """The events as the log has them, with numbers from one on, all dealt with by the counters."""
    adapt = moment_adapter() or (lambda moment: moment)  # type: ignore[return-value]
    rows = [
        event._replace(
            seq=seq,
            occurred_at=adapt(event.occurred_at),  # type: ignore[arg-type]
            received_at=adapt(event.received_at),  # type: ignore[arg-type]
        )
        for seq, event in enumerate(events, 1)
    ]
    with transaction.atomic():
        insert_rows("log_event", LoggedEvent._fields, rows)
        LogHead.objects.update_or_create(pk=1, defaults={"position": len(rows)})
        Consumer.objects.update_or_create(name=NAME, defaults={"position": len(rows)})


def busy_days(count: int, seed: int) -> list[LoggedEvent]:
    """Requests of the last 100 days, many of them close together, not quite in order."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        days = chance.choice((0, 0, 0, 1, 1, 2, 8, 35, 100))
        at = NOW - timedelta(days=days, seconds=chance.choice((0, 1, 5, 50, 70, 130, 4000, 40_000)))
        fields: dict[str, Any] = {
            "tag": chance.choice(("", "v1", "v2")),
            "digest": f"sha256:{chance.choice('ab') * 64}",
            "address": f"10.0.0.{chance.randrange(3)}:5000",
            "user_agent": chance.choice(AGENTS),
            "actor": chance.choice(("", "", "ann")),
            "occurred_at": at,
            "received_at": max(at, NOW - timedelta(days=days)),
        }
        found.append(logged(chance.choice(("pull", "pull", "check", "push")), chance.choice(("app", "web")), **fields))
    return found


@pytest.mark.parametrize("together", [40, 1_000_000])
def test_a_full_recount_mends_whatever_was_wrong(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours, days, totals, windows, clocks, traces: everything is as it was, however it was spoilt.

    And however many days are counted together, wherever their events are in the log.
    """
    monkeypatch.setattr(portions, "EVENTS_TOGETHER", together)
    monkeypatch.setattr(portions, "BLOCK", 10)
    events = busy_days(300, seed=1)
    for start in range(0, len(events), 70):
        counted(*events[start : start + 70])
    write_log(events)
    expected = read_tables()
    RepositoryHour.objects.update(pulls=7)
    RepositoryDay.objects.filter(day__lt=NOW.date() - timedelta(days=30)).delete()
    RepositoryTotals.objects.update(pulls=1, pulls_7d=5, last_pulled_at=NOW + timedelta(days=1))
    TagTotals.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_trace")
        cursor.execute("DELETE FROM analytics_puller")
    assert len(recount(Days(), lambda *_: None)) >= 6
    assert read_tables() == expected


def test_some_days_are_counted_again_and_the_others_stay() -> None:
    """A range; totals and windows change by what the days were wrong by."""
    events = busy_days(200, seed=2)
    counted(*events)
    write_log(events)
    expected = read_tables()
    wrong = NOW.date() - timedelta(days=8)
    totals = {row.repository_id: row.pulls for row in RepositoryTotals.objects.all()}
    assert totals
    recount(Days(wrong, wrong), lambda *_: None)
    assert read_tables() == expected


def test_what_was_never_counted_is_counted() -> None:
    """A log that came from elsewhere, with all places at its end."""
    events = busy_days(100, seed=3)
    write_log(events)
    recount(Days(), lambda *_: None)
    found = read_tables()
    with staging.staging():
        counted(*events)
        assert read_tables() == found


@pytest.mark.only_database("postgres")
def test_totals_that_were_right_are_not_written_anew() -> None:
    """Boards read all of the table, which would have as many dead rows as were changed."""
    events = busy_days(100, seed=4)
    counted(*events)
    write_log(events)
    before = _places_of_totals()
    recount(Days(), lambda *_: None)
    assert _places_of_totals() == before


def _places_of_totals() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid::text FROM analytics_repositorytotals UNION ALL SELECT ctid::text FROM analytics_tagtotals"
            " UNION ALL SELECT ctid::text FROM analytics_digesttotals"
        )
        return [place for (place,) in cursor.fetchall()]
