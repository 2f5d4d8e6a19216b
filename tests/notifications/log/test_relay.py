import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F
from pytest_django import Settings

from notifications.log import leases, sequence
from notifications.log.consume import BatchConsumer, Feed, LoggedEvent, StreamConsumer
from notifications.log.leases import LeaseLost
from notifications.log.models import Consumer, Intake, LogHead
from notifications.log.relay import Relay
from notifications.log.sequence import Sequencer
from registryhub.access.models import HUB_SOURCE_ID
from tests.notifications.log.making import lines, logged, new_sequencer, run_dry, store
from tests.notifications.log.processes import end_of_leases
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

counted: list[int] = []
streamed: list[int] = []
failures: list[Exception] = []


def consumers() -> Sequence[BatchConsumer | StreamConsumer]:
    return (BatchConsumer("counter", count, 3), StreamConsumer("hook", stream))


def count(events: Sequence[LoggedEvent]) -> None:
    if failures:
        raise failures.pop()
    transaction.on_commit(lambda: counted.extend(event.seq for event in events))


def stream(feed: Feed) -> None:
    while not feed.stopping:
        for event in feed.read(10):
            streamed.append(event.seq)
            with transaction.atomic():
                feed.move(event.seq)
        feed.wait(60)


@pytest.fixture(autouse=True)
def listening(settings: Settings) -> Iterator[None]:
    settings.EVENT_CONSUMERS = [f"{__name__}.consumers"]
    for memory in (counted, streamed, failures):
        memory.clear()
    yield
    outliving = {"hook", "checkpoints"} & {thread.name for thread in threading.enumerate()}
    assert not outliving, "a thread outlives its relay"


@contextmanager
def running(*relays: Relay) -> Iterator[list[threading.Thread]]:
    """Relays in threads, stopped in the end."""

    def run(relay: Relay) -> None:
        try:
            relay.run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(relay,)) for relay in relays]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for relay in relays:
            relay.stop()
        for thread in threads:
            thread.join()


def cut_connections() -> None:
    """All but this thread's, as when PostgreSQL is restarted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def is_done(number: int) -> Callable[[], bool]:
    """What is streamed may come twice."""
    return lambda: len(counted) >= number and len(set(streamed)) >= number


def test_what_comes_in_reaches_every_consumer() -> None:
    """Sequenced, counted and streamed, as it comes; and all places are given back in the end."""
    store("a", "b")
    with running(Relay()):
        assert wait_until(is_done(2), 20)
        store(*(f"e{number}" for number in range(10)))
        assert wait_until(is_done(12), 20)
    assert counted == streamed == list(range(1, 13))
    assert LogHead.objects.get().holder == ""
    assert not Consumer.objects.exclude(holder="").exists()
    assert set(Consumer.objects.values_list("position", flat=True)) == {12}


def rest_for(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let relays do so after each turn that has left nothing to do."""
    for name in ("_REST_SECONDS", "_SHORTEST_REST_SECONDS"):
        monkeypatch.setattr(f"notifications.log.relay.{name}", seconds)


def test_events_that_come_one_by_one_are_moved_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn costs by the transaction: a relay that runs after each event takes the machine from those who push."""
    sizes: list[int] = []
    step = Sequencer.step

    def counting(sequencer: Sequencer) -> list[LoggedEvent] | None:
        events = step(sequencer)
        if events:
            sizes.append(len(events))
        return events

    monkeypatch.setattr(Sequencer, "step", counting)
    rest_for(monkeypatch, 2.0)
    with running(Relay()):
        store("first")
        assert wait_until(is_done(1), 20)
        for number in range(30):
            store(f"e{number}")
        assert wait_until(is_done(31), 20)
    assert len(sizes) <= 4, sizes


def test_who_counts_gets_together_what_others_get_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is not held up by consumers of batches, which cost more and which nobody waits for."""
    monkeypatch.setattr("notifications.log.relay._GATHER_SECONDS", 3600.0)
    monkeypatch.setattr("notifications.log.relay._GATHER_EVENTS", 10)
    with running(Relay()):
        store("first")
        assert wait_until(is_done(1), 20)
        for number in range(2, 11):
            store(f"e{number}")
            assert wait_until(lambda number=number: len(streamed) == number, 20)  # type: ignore[misc]
        assert counted == [1]
        store("e11")
        assert wait_until(is_done(11), 20)
    assert counted == streamed == list(range(1, 12))


def test_an_idle_relay_keeps_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are renewed without any work."""
    monkeypatch.setattr("notifications.log.relay.RENEW_SECONDS", 0.05)
    with running(Relay()):
        assert wait_until(lambda: Consumer.objects.exclude(holder="").count() == 2, 20)
        first = LogHead.objects.get()
        end_of_leases()
        assert wait_until(lambda: LogHead.objects.exclude(expires_at=None).exists(), 20)
        assert wait_until(lambda: not Consumer.objects.filter(expires_at=None).exists(), 20)
        assert (LogHead.objects.get().holder, LogHead.objects.get().epoch) == (first.holder, first.epoch)


def test_two_relays_share_the_work_and_double_nothing() -> None:
    """One leads, the other stands by and takes over what the first gives back."""
    first, second = Relay(), Relay()
    with running(second):
        with running(first):
            store(*(f"e{number}" for number in range(50)))
            assert wait_until(is_done(50), 20)
        store(*(f"f{number}" for number in range(50)))
        assert wait_until(is_done(100), 20)
    assert [seq for seq, _ in logged()] == list(range(1, 101))
    assert counted == streamed == list(range(1, 101))


def test_a_consumer_on_a_relay_that_does_not_lead_gets_its_events_too() -> None:
    """It learns from the database how far the log reaches."""
    leader = new_sequencer("another relay")
    with running(Relay()):
        store("a", "b")
        run_dry(leader)
        assert wait_until(is_done(2), 20)
    assert LogHead.objects.get().holder == "another relay"


def test_a_relay_that_lost_the_lead_goes_on_without_it() -> None:
    """And takes it again when it comes free."""
    with running(Relay()):
        store("a")
        assert wait_until(is_done(1), 20)
        LogHead.objects.update(holder="another", epoch=99)
        store("b")
        assert not wait_until(lambda: not Intake.objects.exists(), 1)
        LogHead.objects.update(holder="")
        assert wait_until(is_done(2), 20)
    assert counted == [1, 2]


@pytest.mark.parametrize("failure", [OperationalError("no route to host"), RuntimeError("a bug")])
def test_a_relay_recovers_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    """The database was away, or something worse: it waits, starts from what the database says, and goes on."""
    step = Sequencer.step
    pending = [failure, failure]

    def fail(sequencer: Sequencer) -> list[LoggedEvent] | None:
        events = step(sequencer)
        if pending and events:
            raise pending.pop()
        return events

    monkeypatch.setattr(Sequencer, "step", fail)
    with running(Relay()):
        for number in range(1, 6):
            store(f"e{number}")
            assert wait_until(is_done(number), 30)
    assert counted == streamed == [1, 2, 3, 4, 5]
    assert str(failure) in caplog.text


def test_a_consumer_that_fails_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The others go on; it gets its events when it can."""
    failures.append(ValueError("a bug"))
    with running(Relay()):
        store("a", "b", "c", "d")
        assert wait_until(lambda: len(streamed) == 4, 20)
        assert wait_until(is_done(4), 20)
    assert counted == [1, 2, 3, 4]
    assert "consumer counter failed" in caplog.text


def test_a_consumer_that_is_rewound_goes_through_the_log_again() -> None:
    """Also one that is idle; the others are left where they are."""
    store("a", "b", "c")
    with running(Relay()):
        assert wait_until(is_done(3), 20)
        Consumer.objects.filter(name="hook").update(position=1, epoch=F("epoch") + 1)
        assert wait_until(lambda: streamed == [1, 2, 3, 2, 3], 20)
    assert counted == [1, 2, 3]


@pytest.mark.only_database("postgres")
def test_a_relay_survives_that_its_connections_are_cut() -> None:
    """As when PostgreSQL is restarted."""
    with running(Relay()):
        for number in range(1, 6):
            store(f"e{number}")
            assert wait_until(is_done(number), 30)
            cut_connections()
    assert counted == [1, 2, 3, 4, 5]
    assert set(streamed) == {1, 2, 3, 4, 5}


@pytest.mark.only_database("postgres")
def test_a_relay_whose_connections_were_cut_gives_its_places_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is stopped before it notices."""
    rest_for(monkeypatch, 2.0)
    with running(Relay()):
        store("a")
        assert wait_until(is_done(1), 30)
        cut_connections()
    assert LogHead.objects.get().holder == ""
    assert not Consumer.objects.exclude(holder="").exists()


def test_a_relay_that_stops_without_a_database_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its places come free when their leases run out."""

    def refuse(_: object) -> None:
        raise OperationalError("no route to host")

    with running(Relay()):
        store("a")
        assert wait_until(is_done(1), 30)
        monkeypatch.setattr(leases, "release", refuse)


@pytest.mark.only_database("postgres")
def test_a_row_that_becomes_visible_late_is_not_stepped_over() -> None:
    """A push that began first and commits last: its intake row has the smaller number."""
    store("warm up")
    run_dry(new_sequencer("test"))
    late = connections.create_connection("default")
    try:
        with late.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO log_intake (source_id, kind, raw, received_at) VALUES (%s, 'journal', %s, now())",
                (HUB_SOURCE_ID, lines(["late"])),
            )
        store("early")
        assert [event.event_id for event in run_dry(new_sequencer("test"))] == ["early"]
        with late.cursor() as cursor:
            cursor.execute("COMMIT")
    finally:
        late.close()
    assert [event.event_id for event in run_dry(new_sequencer("test"))] == ["late"]
    assert logged() == [(1, "warm up"), (2, "early"), (3, "late")]


@pytest.mark.parametrize("dies", [True, False])
def test_a_new_leader_cannot_collide_with_one_in_the_middle_of_a_transaction(
    monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    """Whether that transaction comes to its end or not, the next number is the right one."""
    inside, may_go_on = threading.Event(), threading.Event()
    insert_rows = sequence.insert_rows  # type: ignore[attr-defined]

    def hesitate(table: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
        insert_rows(table, columns, rows)
        if threading.current_thread() is old and table == "log_seenevent":
            inside.set()
            may_go_on.wait(30)
            if dies:
                raise OperationalError("killed")

    monkeypatch.setattr(sequence, "insert_rows", hesitate)
    store("a", "b")
    ends: list[str] = []

    def lead_slowly() -> None:
        try:
            new_sequencer("old").step()
            ends.append("committed")
        except (OperationalError, LeaseLost):
            ends.append("rolled back")
        finally:
            connections.close_all()

    def lead_next() -> None:
        try:
            run_dry(new_sequencer("new"))
        finally:
            connections.close_all()

    old, new = threading.Thread(target=lead_slowly), threading.Thread(target=lead_next)
    monkeypatch.setattr(leases, "LEASE_SECONDS", -1.0)  # whatever is taken has run out at once
    old.start()
    assert inside.wait(30)
    new.start()
    new.join(0.3)
    assert new.is_alive()  # it waits for the row (or, on SQLite, for the database) that the old one has locked
    may_go_on.set()
    old.join(30)
    new.join(30)
    assert ends == ["rolled back" if dies else "committed"]
    assert logged() == [(1, "a"), (2, "b")]
    assert not Intake.objects.exists()
