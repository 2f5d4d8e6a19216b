"""Ids are forgotten after a while, and nothing is counted twice for that."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from random import Random

import pytest
from django.apps import apps
from django.utils import timezone

from notifications.log import seen
from notifications.log.models import Event, Intake, QuarantinedEvent, SeenEvent, SourceTally
from notifications.log.seen import forget
from notifications.log.tasks import trim_log
from registryhub.access.models import HUB_SOURCE_ID, Source
from tests.notifications.log.making import intake_pull, logged, new_sequencer, run_dry, sequence_all
from tests.rest import staff

pytestmark = pytest.mark.django_db

DAY = 24 * 3600.0
MONTH = 30 * DAY


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def age(days: float) -> None:
    """Let all ids be so much older."""
    for row in SeenEvent.objects.all():
        SeenEvent.objects.filter(event_id=row.event_id).update(seen_at=row.seen_at - timedelta(days=days))


def forget_after(days: float) -> None:
    forget(days * DAY, lambda: False)


def ids() -> set[str]:
    return set(SeenEvent.objects.values_list("event_id", flat=True))


def reasons() -> list[str]:
    return list(QuarantinedEvent.objects.order_by("pk").values_list("reason", flat=True))


@pytest.mark.parametrize("together", [1, 2, 1000])
def test_old_ids_are_forgotten_and_young_ones_are_not(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, by when they were seen."""
    monkeypatch.setattr(seen, "FORGOTTEN_AT_ONCE", together)
    for number in range(5):
        intake_pull(f"old-{number}", timestamp=ago(0))
    sequence_all()
    age(31)
    intake_pull("young", timestamp=ago(0))
    sequence_all()
    forget_after(30)
    assert ids() == {"young"}


def test_what_comes_again_after_its_id_was_forgotten_is_late_and_not_counted() -> None:
    """It is kept in quarantine with the reason; what is new goes on, and so do other sources."""
    other = Source.objects.create(name="edge").pk
    moment = ago(31)
    for source_id in (HUB_SOURCE_ID, other):
        intake_pull("a", source_id=source_id, timestamp=moment)
    sequence_all()
    SeenEvent.objects.filter(source_id=other).update(seen_at=moment)
    forget_after(30)
    for source_id in (HUB_SOURCE_ID, other):
        intake_pull("a", source_id=source_id, timestamp=moment)
        intake_pull("b", source_id=source_id, timestamp=ago(29))
    sequence_all()
    assert logged() == [(1, "a"), (2, "a"), (3, "b"), (4, "b")]
    [reason] = reasons()
    assert reason.startswith(f"late: it is of {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    assert "hub.log.seen" in reason
    assert QuarantinedEvent.objects.get().source_id == other


def test_an_old_event_of_a_source_that_is_new_is_welcome() -> None:
    """As long as no id of the source was forgotten everything can be told apart: old logs can be brought in."""
    intake_pull("a", timestamp=ago(1000))
    sequence_all()
    forget_after(30)
    intake_pull("b", timestamp=ago(2000))
    intake_pull("a", timestamp=ago(1000))
    sequence_all()
    assert logged() == [(1, "a"), (2, "b")]
    assert reasons() == []


def test_the_id_of_an_event_from_the_future_is_kept_until_then() -> None:
    """A clock that is ahead must not let its events count twice."""
    moment = ago(-100)
    intake_pull("ahead", timestamp=moment)
    sequence_all()
    age(50)
    forget_after(30)
    intake_pull("ahead", timestamp=moment)
    sequence_all()
    assert logged() == [(1, "ahead")]
    assert reasons() == []


def test_what_waits_for_a_relay_does_not_become_late() -> None:
    """However long no relay has run: ids are forgotten by the age of the oldest that waits."""
    intake_pull("a", timestamp=ago(50))
    sequence_all()
    age(50)
    intake_pull("waits", timestamp=ago(40))
    Intake.objects.update(received_at=ago(40))
    forget_after(30)
    assert ids() == {"a"}
    sequence_all()
    assert logged() == [(1, "a"), (2, "waits")]
    forget_after(30)
    assert ids() == {"waits"}


def test_it_ends_between_two_batches_when_it_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes on the next time."""
    monkeypatch.setattr(seen, "FORGOTTEN_AT_ONCE", 2)
    for number in range(5):
        intake_pull(f"e{number}")
    sequence_all()
    age(31)
    answers = iter([False, True])
    forget(MONTH, lambda: next(answers))
    assert len(ids()) == 3


def test_a_worker_forgets_by_the_configuration() -> None:
    """With what is too old for the log."""
    intake_pull("a")
    sequence_all()
    age(31)
    trim_log()
    assert ids() == set()


@pytest.mark.parametrize("seed", range(12))
def test_nothing_counts_twice_whenever_ids_are_forgotten(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events come again and again in any order, with clocks that are wrong, while time passes and ids are forgotten."""
    chance = Random(seed)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(seen, "FORGOTTEN_AT_ONCE", chance.choice([1, 3, 1000]))
    monkeypatch.setattr(timezone, "now", lambda: now)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(seen, "datetime", Clock)
    sources = [HUB_SOURCE_ID, Source.objects.create(name="edge").pk]
    made: list[tuple[str, int, datetime]] = []
    sequencer = new_sequencer()
    for step in range(120):
        if chance.random() < 0.5 or not made:
            moment = now + timedelta(days=chance.choice([0, 0, -3, -40, 15, 45]))
            made.append((f"e{step}", chance.choice(sources), moment))
            id_, source_id, moment = made[-1]
        else:
            id_, source_id, moment = chance.choice(made)
        intake_pull(id_, source_id=source_id, timestamp=moment)
        if chance.random() < 0.7:
            run_dry(sequencer)
        if chance.random() < 0.3:
            forget_after(30)
        now += timedelta(days=chance.choice([0, 1, 5]))
    run_dry(sequencer)
    found = list(Event.objects.values_list("source_id", "event_id"))
    assert len(found) == len(set(found))
    assert SourceTally.objects.exclude(forgotten_to=None).exists()


def test_it_is_counted_what_became_of_all_that_a_source_has_sent() -> None:
    """And the sum of it is the head of the log: no number was given to nothing."""
    edge = Source.objects.create(name="edge").pk
    for id_ in ("a", "b", "a"):
        intake_pull(id_)
        intake_pull(id_ + id_, source_id=edge)
    Intake.objects.create(source_id=edge, kind="event", raw=b"?")
    sequence_all()
    intake_pull("b")
    sequence_all()
    ada = staff()
    document = ada.get("log").document
    assert document["missing"] == 0
    edge_row, hub_row = document["sources"]
    assert edge_row == {
        "name": "edge",
        "events": 2,
        "duplicates": 1,
        "quarantined": 1,
        "remembered_since": None,
    }
    assert (hub_row["name"], hub_row["events"], hub_row["duplicates"]) == ("hub", 2, 2)
    SourceTally.objects.filter(source_id=edge).update(events=1)
    assert ada.get("log").document["missing"] == 1


def test_a_log_from_before_is_counted_once() -> None:
    """By the migration."""
    intake_pull("a")
    intake_pull("b")
    Intake.objects.create(source_id=HUB_SOURCE_ID, kind="event", raw=b"?")
    sequence_all()
    SourceTally.objects.all().delete()
    import_module("notifications.log.migrations.0005_what_came_from_whom").count(apps, None)
    tally = SourceTally.objects.get()
    assert (tally.source_id, tally.events, tally.quarantined) == (HUB_SOURCE_ID, 2, 1)
