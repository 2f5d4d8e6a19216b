"""What could not be read, and what becomes of it."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from notifications.log import intake, quarantine
from notifications.log.models import Event, Intake, QuarantinedEvent, SourceTally
from notifications.log.readers import ReadEvent, Reading, Unreadable, read_event
from notifications.log.tasks import trim_log
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.config.keeping import EventLog
from tests.notifications.log.making import intake_pull, logged, pull, sequence_all
from tests.registry.stage import changed

pytestmark = pytest.mark.django_db

HERE = "tests.notifications.log.test_quarantine"


def read_nothing(raw: bytes) -> Sequence[Reading]:
    """A reader that has not learned its language yet."""
    return [Unreadable(raw, "language: unknown")]


def read_piece(raw: bytes) -> Sequence[Reading]:
    """A reader of pieces, a part of which is to come again by itself."""
    return [Unreadable(raw[6:], "piece: bad", "event")]


def put(reason: str = "no: way", **fields: Any) -> QuarantinedEvent:
    values = {"source_id": HUB_SOURCE_ID, "raw": b"?", "received_at": timezone.now(), **fields}
    return QuarantinedEvent.objects.create(reason=reason, **values)


def reasons() -> list[str]:
    return list(QuarantinedEvent.objects.order_by("pk").values_list("reason", flat=True))


def test_a_newer_reader_understands_what_waited(settings: Settings) -> None:
    """It comes in as it came then, and is counted; it is no longer in quarantine."""
    settings.INTAKE_READERS = {"odd": f"{HERE}.read_nothing"}
    intake.store(source_id=HUB_SOURCE_ID, kind="odd", raw=pull("a"))
    sequence_all()
    assert reasons() == ["language: unknown"]
    settings.INTAKE_READERS = {"odd": "notifications.log.readers.read_event"}
    assert quarantine.retry(quarantine.waiting()) == 1
    sequence_all()
    assert logged() == [(1, "a")]
    assert reasons() == []


def test_what_fails_again_is_there_again(settings: Settings) -> None:
    """Under a new number, with a new time."""
    settings.INTAKE_READERS = {"odd": f"{HERE}.read_nothing"}
    first = put("language: unknown", kind="odd", received_at=timezone.now() - timedelta(days=1))
    quarantine.retry(quarantine.waiting())
    sequence_all()
    second = QuarantinedEvent.objects.get()
    assert (second.pk != first.pk, second.reason, second.kind) == (True, "language: unknown", "odd")
    assert second.received_at > first.received_at


def test_a_part_comes_again_by_the_reader_that_it_names(settings: Settings) -> None:
    """A line of a file is no file."""
    settings.INTAKE_READERS |= {"pieces": f"{HERE}.read_piece"}
    intake.store(source_id=HUB_SOURCE_ID, kind="pieces", raw=b"head: " + pull("a"))
    sequence_all()
    assert QuarantinedEvent.objects.get().kind == "event"
    quarantine.retry(quarantine.waiting())
    sequence_all()
    assert logged() == [(1, "a")]


def test_what_was_understood_and_refused_comes_again_as_an_event() -> None:
    """In whatever it came, with what is known besides; what is late stays late."""
    edge = Source.objects.create(name="edge")
    SourceTally.objects.create(source=edge, forgotten_to=timezone.now() + timedelta(days=9999))
    facts = b'{"tagged": "new"}'
    intake.store(source_id=edge.pk, kind="event", raw=pull("late") + b"\n" + facts)
    sequence_all()
    row = QuarantinedEvent.objects.get()
    assert (row.kind, row.reason[:5]) == ("event", "late:")
    again = read_event(bytes(row.raw))[0]
    assert isinstance(again, ReadEvent)
    assert (again.event.id, again.facts) == ("late", facts)


@pytest.mark.django_db(transaction=True)
def test_two_who_retry_at_once_retry_once() -> None:
    """The row goes in the transaction in which it comes into the intake."""
    for _ in range(30):
        put(raw=pull())
    barrier, counts = Barrier(2), []

    def retry() -> None:
        barrier.wait()
        counts.append(quarantine.retry(quarantine.waiting()))
        connection.close()

    threads = [Thread(target=retry) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == Intake.objects.count() == 30
    sequence_all()
    assert Event.objects.count() == 30


def test_a_retry_that_fails_halfway_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the quarantine nor in the intake."""
    put()

    def fail(**_: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(intake, "store", fail)
    with pytest.raises(RuntimeError):
        quarantine.retry(quarantine.waiting())
    assert (len(reasons()), Intake.objects.count()) == (1, 0)


def test_causes_are_what_reasons_begin_with() -> None:
    """Before the first colon; the largest group first."""
    for reason in ("late: it is of 2025", "late: it is of 2026", "an event is a JSON object", "id: expected"):
        put(reason)
    groups = [(group.cause, group.count) for group in quarantine.group(quarantine.waiting())]
    assert groups == [("late", 2), ("an event is a JSON object", 1), ("id", 1)]
    assert quarantine.retry(quarantine.by_cause(quarantine.waiting(), "late")) == 2
    assert reasons() == ["an event is a JSON object", "id: expected"]


def test_what_is_discarded_is_seen_with_the_remark_and_waits_no_longer() -> None:
    """A second time changes nothing; the doctor and the state of the log count what waits."""
    row = put()
    assert quarantine.discard(quarantine.waiting(), remark="a test", by="ada") == 1
    assert quarantine.discard(QuarantinedEvent.objects.all(), remark="another", by="eve") == 0
    row.refresh_from_db()
    assert (row.remark, row.discarded_by, row.discarded_at is None) == ("a test", "ada", False)
    assert not quarantine.waiting().exists()


@pytest.mark.parametrize(("keep", "left"), [({"keep_seconds": 86_400.0}, 3), ({"max_events": 2}, 2), ({}, 5)])
def test_the_quarantine_is_kept_as_long_as_events_are(keep: dict[str, Any], left: int) -> None:
    """By age and by number; 0 is for ever."""
    for days in (9, 8, 0, 0, 0):
        put(received_at=timezone.now() - timedelta(days=days))
    quarantine.trim(EventLog().model_copy(update={"keep_seconds": 0.0, **keep}), lambda: False)
    assert len(reasons()) == left


def test_it_is_trimmed_with_the_log(settings: Settings) -> None:
    """By the same task."""
    put(received_at=timezone.now() - timedelta(days=2))
    intake_pull("a")
    sequence_all()
    settings.HUB = changed(settings.HUB, hub__log__keep_seconds=3600.0)
    trim_log()
    assert (reasons(), len(logged())) == ([], 1)
