import threading
from collections.abc import Callable, Sequence

import pytest
from django.db import OperationalError, connection

from notifications.log import leases, runners
from notifications.log.consume import BatchConsumer, Feed, Head, LeaseLost, LoggedEvent, StreamConsumer
from notifications.log.models import Consumer
from notifications.log.recent import Recent
from notifications.log.runners import BatchRunner, Pause, StreamRunner
from tests.notifications.log.making import sequence_all, store
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Events = Sequence[LoggedEvent]


class Book:
    """A consumer that writes down what it gets, in the database: a row for each event."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.failures: list[BaseException] = []

    def handle(self, events: Events) -> None:
        Consumer.objects.bulk_create(Consumer(name=f"saw {event.seq}") for event in events)
        if self.failures:
            raise self.failures.pop()
        self.sizes.append(len(events))

    @property
    def rows(self) -> int:
        return Consumer.objects.filter(name__startswith="saw ").count()


@pytest.fixture
def book() -> Book:
    store(*(f"e{number}" for number in range(7)))
    sequence_all()
    return Book()


def batch_runner(book: Book, holder: str = "ann") -> BatchRunner:
    runner = BatchRunner(BatchConsumer("book", book.handle, 3), holder)
    runner.take()
    return runner


def position() -> int:
    return Consumer.objects.get(name="book").position


def test_a_batch_consumer_gets_every_event_once(book: Book) -> None:
    """In batches of its size, and the position moves with its rows."""
    runner = batch_runner(book)
    while runner.step(Recent()):
        assert position() == book.rows
    assert book.sizes == [3, 3, 1]
    assert position() == book.rows == 7


def test_events_are_read_before_the_lock_for_writing_is_taken(book: Book) -> None:
    """What comes of it is handled inside the transaction, which holds up every other writer on SQLite."""
    seen: list[tuple[str, bool]] = []

    def read(events: Events) -> int:
        seen.append(("read", connection.in_atomic_block))
        return len(events)

    def handle(count: int) -> None:
        seen.append((f"handle {count}", connection.in_atomic_block))

    runner = BatchRunner(BatchConsumer("book", handle, 7, read), "ann")
    runner.take()
    assert runner.step(Recent())
    assert seen == [("read", False), ("handle 7", True)]


def test_a_consumer_that_fails_is_left_alone_for_a_while(
    book: Book, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows and its position are rolled back; after the pause it gets the same events again."""
    monkeypatch.setattr(runners, "MIN_PAUSE_SECONDS", 0.05)
    runner = batch_runner(book)
    book.failures.append(ValueError("a bug"))
    assert runner.step(Recent()) is False
    assert (book.rows, position()) == (0, 0)
    assert "consumer book failed after event 0" in caplog.text
    assert wait_until(lambda: runner.step(Recent()), 10)
    assert position() == book.rows == 3


def test_pauses_grow_and_end_with_a_success() -> None:
    """Up to a minute."""
    pause = Pause()
    assert pause.is_over
    assert [pause.begin() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert not pause.is_over
    pause.reset()
    assert pause.begin() == 1


def test_a_database_that_is_away_is_no_fault_of_the_consumer(book: Book) -> None:
    """The relay must hear of it; afterwards nothing was done, and nothing is skipped."""
    runner = batch_runner(book)
    book.failures.append(OperationalError("gone"))
    with pytest.raises(OperationalError):
        runner.step(Recent())
    runner.lose()
    assert runner.step(Recent()) is False
    runner.take()
    assert runner.step(Recent())
    assert position() == book.rows == 3


def test_a_commit_of_which_nobody_knows_is_not_repeated(book: Book) -> None:
    """The connection broke during COMMIT, which did take place: the position in memory is behind the database's."""
    runner = batch_runner(book)
    runner.step(Recent())
    runner.position = 0
    assert runner.step(Recent()) is False
    runner.take()
    assert runner.position == 3
    while runner.step(Recent()):
        pass
    assert position() == book.rows == 7


def test_a_batch_consumer_whose_place_was_taken_does_nothing(book: Book) -> None:
    """Its transaction is rolled back; the other goes on."""
    ann = batch_runner(book)
    Consumer.objects.update(expires_at=None)
    bob = batch_runner(book, "bob")
    assert ann.step(Recent()) is False
    assert bob.step(Recent()) is True
    ann.take()
    assert ann.step(Recent()) is False
    assert position() == book.rows == 3


def test_a_runner_that_stops_leaves_its_place_to_others(book: Book) -> None:
    """At once, without waiting for the end of the lease."""
    batch_runner(book).stop()
    assert batch_runner(book, "bob").step(Recent())


def stream_runner(run: Callable[[Feed], None], head: Head | None = None, holder: str = "ann") -> StreamRunner:
    return StreamRunner(StreamConsumer("stream", run), holder=holder, head=head or Head())


def until_stopped(feed: Feed) -> None:
    while not feed.stopping:
        feed.wait(60)


def test_a_stream_consumer_runs_until_it_is_stopped() -> None:
    """And then gives its place back."""
    runner = stream_runner(until_stopped)
    runner.take()
    runner.take()
    assert runner.is_alive
    assert Consumer.objects.get().holder == "ann"
    runner.stop()
    assert runner.join(10)
    assert Consumer.objects.get().holder == ""


def test_a_stream_consumer_that_returns_is_started_again() -> None:
    """From where it was."""
    runs: list[int] = []
    runner = stream_runner(lambda feed: runs.append(feed.position))
    for _ in range(3):
        runner.take()
        assert runner.join(10)
    assert runs == [0, 0, 0]


@pytest.mark.parametrize("failure", [ValueError("a bug"), SystemError("worse")])
def test_a_stream_consumer_that_raises_is_started_again_after_a_pause(
    failure: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logged with its traceback; its place is free in the meantime."""
    monkeypatch.setattr(runners, "MIN_PAUSE_SECONDS", 0.2)
    failures = [failure]
    done = threading.Event()

    def run(feed: Feed) -> None:
        if failures:
            raise failures.pop()
        done.set()

    runner = stream_runner(run)
    runner.take()
    assert runner.join(10)
    assert "consumer stream failed" in caplog.text
    assert Consumer.objects.get().holder == ""
    runner.take()
    assert not done.is_set()

    def is_started_again() -> bool:
        runner.take()
        return done.is_set()

    assert wait_until(is_started_again, 10)
    assert runner.join(10)


@pytest.mark.parametrize("failure", [OperationalError("gone"), LeaseLost("taken")])
def test_what_is_no_fault_of_the_consumer_costs_it_no_pause(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that was away, a place that was taken: one line in the log."""
    failures = [failure]

    def run(feed: Feed) -> None:
        if failures:
            raise failures.pop()

    runner = stream_runner(run)
    for _ in range(2):
        runner.take()
        assert runner.join(10)
    assert len([record for record in caplog.records if record.name == "notifications.log.runners"]) == 1


def test_a_thread_is_told_when_its_place_is_anothers() -> None:
    """It need not find out by failing."""
    runner = stream_runner(until_stopped)
    runner.take()
    runner.check(leases.renew("ann"))
    assert runner.is_alive
    Consumer.objects.update(holder="bob", epoch=99)
    runner.check(leases.renew("ann"))
    assert runner.join(10)
    assert Consumer.objects.get().holder == "bob"
