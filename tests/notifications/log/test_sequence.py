from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from notifications.log import intake, sequence
from notifications.log.leases import DATABASE_GONE, LeaseLost
from notifications.log.models import Event, Intake, LogHead, QuarantinedEvent, SeenEvent
from notifications.log.pending import load_pending
from notifications.log.readers import ReadEvent, Reading, read_event
from notifications.log.sequence import Sequencer
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.database.bulk import insert_rows
from tests.notifications.log.making import lines, logged, new_sequencer, pull, run_dry, sequence_all, store

pytestmark = pytest.mark.django_db


def small_batches(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(sequence, "SQLITE_BATCH", size)
    monkeypatch.setattr(sequence, "POSTGRES_BATCH", size)


def start_over() -> Sequencer:
    """A new leader, after the old one was killed at this very moment."""
    LogHead.objects.update(expires_at=None)
    return new_sequencer("the next")


def test_events_get_the_next_numbers_in_order() -> None:
    """1, 2, 3 … from whatever kind of row, and the rows are gone."""
    store("a", "b")
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=pull("c"))
    store("d")
    moved = sequence_all()
    assert logged() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert [(event.seq, event.event_id) for event in moved] == logged()
    assert not Intake.objects.exists()
    assert LogHead.objects.values_list("position", "intake_id", "intake_done").get() == (4, 0, 0)
    assert SeenEvent.objects.count() == 4


def test_an_event_is_kept_whole() -> None:
    """Each column, and the raw event as the wire has it; times with their microseconds."""
    raw = pull("one", from_repository="library/base", tag="", timestamp=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=raw)
    received_at = Intake.objects.get().received_at
    (moved,) = sequence_all()
    event = Event.objects.get()
    for name in moved._fields:
        assert getattr(event, name) == getattr(moved, name), name
    assert event.raw == raw.decode()
    assert (event.action, event.repository, event.tag, event.from_repository) == (
        "pull", "library/app", "", "library/base",
    )  # fmt: skip
    assert (event.digest, event.size, event.method) == ("sha256:" + "a" * 64, 1234, "GET")
    assert (event.actor, event.address, event.user_agent) == ("ann", "203.0.113.9:4711", "docker/27.1")
    assert (event.occurred_at, event.received_at) == (datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), received_at)


@pytest.mark.parametrize(
    "text",
    ["tab\tbreak\nreturn\rback\\slash", r"\N", r"\.", "None", "", "ä€🐳\u2028", "'; DROP TABLE log_event; --", '"'],
)
def test_any_text_is_kept_as_it_is(text: str) -> None:
    """Whatever a client calls itself."""
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=pull("one", user_agent=text, actor=text))
    (moved,) = sequence_all()
    event = Event.objects.get()
    assert (event.user_agent, event.actor, event.raw) == (text, text, moved.raw)


def test_an_empty_intake_is_nothing_to_do() -> None:
    """And rows that hold no event are simply gone."""
    assert new_sequencer().step() is None
    intake.store(source_id=HUB_SOURCE_ID, kind="journal", raw=b"\n")
    assert run_dry(start_over()) == []
    assert not Intake.objects.exists()


def test_a_repeated_event_is_logged_once() -> None:
    """In one row, in one batch, in a later batch, and by a later leader."""
    store("a", "b", "a")
    store("b", "c")
    sequence_all()
    store("a", "d", "c")
    sequence_all()
    assert logged() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert not Intake.objects.exists()


def test_the_same_id_of_two_sources_is_two_events() -> None:
    """No source can claim an id before another uses it."""
    other = Source.objects.create(name="elsewhere").pk
    store("a", "b", source_id=other)
    store("a")
    store("b", source_id=other)
    sequence_all()
    assert list(Event.objects.order_by("seq").values_list("source_id", "event_id")) == [
        (other, "a"), (other, "b"), (HUB_SOURCE_ID, "a"),
    ]  # fmt: skip


def test_what_cannot_be_read_goes_to_quarantine(caplog: pytest.LogCaptureFixture) -> None:
    """As it came, with the reason; what stands around it is logged."""
    intake.store(source_id=HUB_SOURCE_ID, kind="journal", raw=lines(["a"]) + b"{oops\n" + lines(["b"]))
    sequence_all()
    quarantined = QuarantinedEvent.objects.get()
    assert (bytes(quarantined.raw), quarantined.source_id) == (b"{oops", HUB_SOURCE_ID)
    assert "not JSON" in quarantined.reason
    assert logged() == [(1, "a"), (2, "b")]
    assert "1 events went to quarantine" in caplog.text


@pytest.mark.parametrize(
    "raw",
    [
        pull("x", user_agent="a\x00b"),
        pull("x").replace(b"docker/27.1", b"\\ud800"),
        pull("x").replace(b"docker/27.1", b"\xff"),
        pull("x", size=2**63 - 1).replace(b"9223372036854775807", b"9223372036854775808"),
        pull("x", size=2**63 - 1).replace(b"9223372036854775807", b"1e400"),
        b"[" * 100_000,
        b"",
    ],
)
def test_hostile_events_stop_nobody(raw: bytes) -> None:
    """NUL, lone surrogates, bytes that are no text, huge numbers, bottomless nesting, nothing at all."""
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=pull("before"))
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=raw)
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=pull("after"))
    sequence_all()
    assert logged() == [(1, "before"), (2, "after")]
    assert bytes(QuarantinedEvent.objects.get().raw) == raw


def read_as(event: Callable[[ReadEvent], ReadEvent]) -> Callable[[bytes], Sequence[Reading]]:
    return lambda raw: [event(reading) if isinstance(reading, ReadEvent) else reading for reading in read_event(raw)]


def spoil(reading: ReadEvent) -> ReadEvent:
    """An event that no check has seen through, of the kind that makes a database refuse a whole batch."""
    if not reading.event.id.startswith("bad"):
        return reading
    if reading.event.id.endswith("number"):
        return reading._replace(event=reading.event._replace(size=2**64))
    return reading._replace(event=reading.event._replace(user_agent="\ud800"))


read_spoiled = read_as(spoil)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("spoiled", ["surrogate", "number"])
@pytest.mark.parametrize("place", [0, 7, 15])
def test_an_event_that_the_database_refuses_goes_to_quarantine_alone(
    settings: Settings, spoiled: str, place: int
) -> None:
    """It is found by halving the batch; its neighbours are logged in order."""
    settings.INTAKE_READERS = {"event": f"{__name__}.read_spoiled"}
    ids = [f"e{number}" for number in range(16)]
    ids[place] = f"bad {spoiled}"
    for id_ in ids:
        intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=pull(id_))
    sequence_all()
    assert [id_ for _, id_ in logged()] == [id_ for id_ in ids if not id_.startswith("bad")]
    assert [seq for seq, _ in logged()] == list(range(1, 16))
    assert "the database refused it" in QuarantinedEvent.objects.get().reason
    assert not Intake.objects.exists()


def fail_to_read(raw: bytes) -> Sequence[Reading]:
    raise RecursionError(f"too deep: {raw[:1]!r} \x00")


def test_a_reader_that_fails_stops_nobody(settings: Settings) -> None:
    """Nor does a row that nobody reads."""
    settings.INTAKE_READERS = {**settings.INTAKE_READERS, "deep": f"{__name__}.fail_to_read"}
    intake.store(source_id=HUB_SOURCE_ID, kind="deep", raw=b"[[[")
    intake.store(source_id=HUB_SOURCE_ID, kind="unheard-of", raw=b"?")
    store("a")
    sequence_all()
    assert logged() == [(1, "a")]
    first, second = QuarantinedEvent.objects.order_by("pk").values_list("reason", flat=True)
    assert "RecursionError" in first
    assert "'unheard-of'" in second


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_no_reason_for_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step fails as a whole and leaves everything where it was."""
    from_database = insert_rows

    def fail(table: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
        from_database(table, columns, rows)
        if table == "log_seenevent":
            raise DATABASE_GONE[0]("server closed the connection unexpectedly")

    store("a", "b")
    monkeypatch.setattr(sequence, "insert_rows", fail)
    with pytest.raises(DATABASE_GONE):
        new_sequencer().step()
    monkeypatch.undo()
    assert logged() == []
    assert not QuarantinedEvent.objects.exists()
    assert run_dry(start_over())
    assert logged() == [(1, "a"), (2, "b")]


def test_a_long_row_is_taken_in_short_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that is killed between two of them leaves the rest to the next, which repeats nothing."""
    small_batches(monkeypatch, 4)
    store(*(f"a{number}" for number in range(10)))
    store("b")
    first = new_sequencer()
    first.step()
    first.step()
    row = Intake.objects.order_by("pk").first()
    assert row is not None
    assert LogHead.objects.values_list("position", "intake_id", "intake_done").get() == (8, row.pk, 8)
    assert [event.event_id for event in run_dry(start_over())] == ["a8", "a9", "b"]
    assert [seq for seq, _ in logged()] == list(range(1, 12))


def test_a_row_under_way_comes_before_an_older_one_that_became_visible_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a row with a smaller id may be committed after one with a larger id was begun."""
    small_batches(monkeypatch, 2)
    store("a", "b", "c", "d", "e")
    sequencer = new_sequencer()
    sequencer.step()
    begun = Intake.objects.get()
    Intake.objects.create(pk=begun.pk - 1, source_id=HUB_SOURCE_ID, kind="journal", raw=lines(["late 1", "late 2"]))
    run_dry(start_over())
    assert [id_ for _, id_ in logged()] == ["a", "b", "c", "d", "e", "late 1", "late 2"]
    assert not Intake.objects.exists()


def test_a_row_under_way_that_is_no_longer_there_is_forgotten() -> None:
    """Somebody has removed it by hand."""
    store("a")
    new_sequencer()
    LogHead.objects.update(intake_id=4711, intake_done=3)
    run_dry(start_over())
    assert logged() == [(1, "a")]


def test_large_events_make_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many fit by number: memory and the length of a transaction are bounded by bytes too."""
    monkeypatch.setattr(sequence, "_BATCH_BYTES", 3 * len(pull("e0")))
    store(*(f"e{number}" for number in range(7)))
    sequencer = new_sequencer()
    sizes = []
    while (moved := sequencer.step()) is not None:
        sizes.append(len(moved))
    assert sizes == [3, 3, 1]


def test_a_leader_that_lost_the_lead_moves_nothing() -> None:
    """It was only slow: what it has read and numbered is void."""
    store("a", "b")
    slow = new_sequencer("slow")
    slow._rows.extend(load_pending())
    quick = start_over()
    with pytest.raises(LeaseLost):
        slow.step()
    assert logged() == []
    run_dry(quick)
    assert logged() == [(1, "a"), (2, "b")]
    with pytest.raises(LeaseLost):
        slow.step()


def test_a_number_is_never_given_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Even when the head was restored from an older backup than the log."""
    store("a", "b", "c")
    sequence_all()
    LogHead.objects.update(position=1)
    store("d")
    sequence_all()
    assert logged() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert "going on from 3" in caplog.text


def test_only_one_can_lead() -> None:
    """The other is told so and tries again later."""
    new_sequencer("ann")
    assert sequence.lead("bob") is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from([1, 2]), st.lists(st.sampled_from("abcdefgh"), max_size=9)), max_size=6),
    batch=st.integers(1, 5),
    deaths=st.sets(st.integers(0, 12)),
)
def test_whatever_comes_in_is_logged_exactly_once(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, list[str]]], batch: int, deaths: set[int]
) -> None:
    """Any rows with any repetitions, taken in batches of any size by leaders that die between any two of them."""
    small_batches(monkeypatch, batch)
    for model in (Event, SeenEvent, Intake, LogHead, QuarantinedEvent):
        model._default_manager.all().delete()
    Source.objects.get_or_create(pk=2, defaults={"name": "second"})
    expected: dict[tuple[int, str], None] = {}
    for source_id, ids in rows:
        store(*ids, source_id=source_id)
        expected.update(dict.fromkeys((source_id, id_) for id_ in ids))
    sequencer = new_sequencer()
    step = 0
    while sequencer.step() is not None:
        if step in deaths:
            sequencer = start_over()
        step += 1
    found = Event.objects.order_by("seq")
    assert list(found.values_list("source_id", "event_id")) == list(expected)
    assert list(found.values_list("seq", flat=True)) == list(range(1, len(expected) + 1))
    assert not Intake.objects.exists()


def test_refusals_and_outages_are_told_apart() -> None:
    """A driver says DataError for a row that cannot be stored, OperationalError when nothing can be."""
    with pytest.raises(sequence._REFUSALS) as refused:
        insert_rows("log_seenevent", ("source_id", "event_id", "seen_at"), [(1, "\ud800", "now")])
    assert not isinstance(refused.value, DATABASE_GONE)
