import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, connections, transaction

from notifications.log.consume import (
    Feed,
    Head,
    LeaseLost,
    Span,
    StreamConsumer,
    open_feed,
    read_changes,
    read_events,
)
from notifications.log.models import Consumer, Event
from notifications.log.places import take_consumer
from tests.notifications.log.making import intake_pull, sequence_all, store

pytestmark = pytest.mark.django_db(transaction=True)


def opened(*, start_at_head: bool = False, holder: str = "ann", head: Head | None = None) -> Feed:
    feed = open_feed(_consumer(start_at_head), holder=holder, head=head or Head())
    assert feed is not None
    return feed


def _consumer(start_at_head: bool = False) -> StreamConsumer:
    return StreamConsumer("endpoint", lambda feed: None, start_at_head)


def test_events_are_read_as_they_were_sequenced() -> None:
    """Same values, same types, on both databases."""
    store("a", "b", "c")
    moved = sequence_all()
    assert read_events(0, 10) == moved
    assert read_events(1, 1) == moved[1:2]
    assert read_events(3, 10) == []


def test_a_new_consumer_starts_at_the_beginning_or_at_the_head() -> None:
    """And keeps its row from then on, wherever others would start."""
    store("a", "b")
    sequence_all()
    assert opened(start_at_head=True).position == 2
    Consumer.objects.all().delete()
    assert opened().position == 0
    assert opened(start_at_head=True).position == 0


def test_a_new_consumer_of_an_empty_hub_starts_at_zero() -> None:
    """Before the first event there is no head."""
    assert opened(start_at_head=True).position == 0


def test_one_process_holds_a_consumer() -> None:
    """The other gets no feed."""
    opened(holder="ann")
    assert open_feed(_consumer(), holder="bob", head=Head()) is None


def test_a_feed_moves_with_its_transaction() -> None:
    """And stays where it was when that is rolled back."""
    store("a", "b", "c")
    sequence_all()
    feed = opened()
    with transaction.atomic():
        feed.move(2)
        assert feed.position == 0
    assert feed.position == Consumer.objects.get().position == 2
    assert [event.event_id for event in feed.read(10)] == ["c"]
    with pytest.raises(DatabaseError), transaction.atomic():
        feed.move(3)
        raise DatabaseError
    assert feed.position == Consumer.objects.get().position == 2


def test_a_position_is_not_moved_without_what_came_of_it() -> None:
    """Outside a transaction a move is refused."""
    with pytest.raises(transaction.TransactionManagementError, match="atomic"):
        opened().move(1)


def test_a_feed_whose_place_was_taken_moves_nothing() -> None:
    """Nor do the rows of its transaction stay."""
    feed = opened()
    Consumer.objects.update(expires_at=None)
    assert take_consumer("endpoint", holder="bob", start_at_head=False)
    with pytest.raises(LeaseLost), transaction.atomic():
        Consumer.objects.create(name="a row of the consumer")
        feed.move(1)
    assert Consumer.objects.get().holder == "bob"


def in_thread(work: Callable[[], bool], answers: list[bool]) -> threading.Thread:
    def run() -> None:
        answers.append(work())
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_whoever_waits_is_woken_when_the_head_moves() -> None:
    """Long before the seconds are over."""
    head = Head()
    feed = opened(head=head)
    answers: list[bool] = []
    thread = in_thread(lambda: feed.wait(60), answers)
    head.reach(1)
    thread.join(10)
    assert answers == [True]
    assert feed.wait(60) is True


def test_whoever_waits_is_woken_by_a_stop() -> None:
    """And learns that there is no more."""
    feed = opened()
    answers: list[bool] = []
    thread = in_thread(lambda: feed.wait(60), answers)
    feed.stop()
    thread.join(10)
    assert answers == [False]
    assert feed.stopping


def test_a_wait_ends_by_itself() -> None:
    """A head that does not move wakes nobody."""
    assert opened().wait(0.01) is False


def test_the_head_never_goes_back() -> None:
    """Threads may say out of order how far they have seen the log reach."""
    head = Head()
    head.reach(5)
    head.reach(3)
    assert head.position == 5


def test_nobody_keeps_a_connection_while_it_waits() -> None:
    """On PostgreSQL connections are few, and consumers wait for the network."""
    feed = opened()
    feed.read(1)
    feed.wait(0.001)
    if connection.vendor == "postgresql":
        assert connection.connection is None


ACTIONS = ("pull", "push", "pull", "mount", "check", "delete", "pull")


def log_actions() -> Head:
    """An event of each of ACTIONS in the log, named by its place, and the head that says so."""
    for number, action in enumerate(ACTIONS, 1):
        intake_pull(str(number), action=action)
    sequence_all()
    head = Head()
    head.reach(len(ACTIONS))
    return head


def test_changes_are_read_without_the_pulls_between_them() -> None:
    """And the span says how far the log has been looked at: past the pull at its end."""
    feed = opened(head=log_actions())
    events, end = feed.read_changes(10)
    assert [(event.seq, event.action) for event in events] == [(2, "push"), (4, "mount"), (6, "delete")]
    assert end == len(ACTIONS)
    assert feed.position == 0


def test_changes_that_are_too_many_end_the_span_at_the_last_of_them() -> None:
    """What lies behind it is for the next one."""
    feed = opened(head=log_actions())
    first = feed.read_changes(2)
    assert ([event.seq for event in first.events], first.end) == ([2, 4], 4)
    with transaction.atomic():
        feed.move(first.end)
    second = feed.read_changes(2)
    assert ([event.seq for event in second.events], second.end) == ([6], len(ACTIONS))


def test_changes_are_looked_for_as_far_as_the_head_is_known() -> None:
    """A change that is behind it must not be stepped over: it may not be visible yet."""
    log_actions()
    head = Head()
    head.reach(3)
    feed = opened(head=head)
    assert feed.read_changes(10).end == 3
    feed.position = 5
    assert feed.read_changes(10) == Span([], 5)


def test_a_pause_lasts_whatever_is_logged_and_ends_with_a_stop() -> None:
    """So who pauses is not woken by each of thousands of pulls a second."""
    feed = opened(head=log_actions())
    feed.pause(0.01)
    ended: list[bool] = []

    def pause() -> bool:
        feed.pause(60)
        return True

    thread = in_thread(pause, ended)
    feed.stop()
    thread.join(10)
    assert ended == [True]


@pytest.mark.only_database("postgres")
def test_changes_are_found_by_their_index_on_postgres() -> None:
    """Among fifty thousand pulls, with the plan that suits all parameters; and so are the pushes alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO log_event
                (seq, source_id, event_id, occurred_at, received_at, action, repository, tag, digest, media_type, size,
                 actor, address, user_agent, method, from_repository, raw)
            SELECT number, 1, number::text, now(), now(), CASE number % 500 WHEN 0 THEN 'push' ELSE 'pull' END,
                   'app', '', '', '', 0, '', '', '', 'GET', '', '{}'
            FROM generate_series(1, 50000) AS number
            """
        )
        cursor.execute("ANALYZE log_event")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        read_changes(0, 50_000, 10)
        cursor.execute("EXPLAIN EXECUTE log_changes_between (0, 50000, 10)")
        plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "event_changes" in plan, plan
        assert "event_changes" in Event.objects.filter(action="push").order_by("-seq")[:10].explain()


@pytest.mark.only_database("sqlite")
def test_changes_are_found_by_their_index_on_sqlite() -> None:
    """And so are the pushes alone."""
    wanted = "action = 'push' OR action = 'mount' OR action = 'delete'"
    with connection.cursor() as cursor:
        for condition in (f"({wanted}) AND seq > 5 AND seq <= 9", "action = 'push'"):
            cursor.execute(f"EXPLAIN QUERY PLAN SELECT raw FROM log_event WHERE {condition} ORDER BY seq LIMIT 9")
            plan = "\n".join(row[3] for row in cursor.fetchall())
            assert "event_changes" in plan, plan
