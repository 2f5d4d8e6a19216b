"""The parts of the log on PostgreSQL."""

import threading
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction

from notifications.log import leases, partitions, trimming
from notifications.log.leases import LeaseLost
from notifications.log.models import Event, LogHead, LogTail
from notifications.log.partitions import list_partitions
from notifications.log.trimming import trim
from registryhub.config.keeping import EventLog
from tests.notifications.delivery.stage import log_events
from tests.notifications.log.making import new_sequencer, run_dry, store

pytestmark = [pytest.mark.django_db, pytest.mark.only_database("postgres")]

BEGIN = 2_000_000
"""Where the first part of an empty log ends."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has come to the end of its first part, and whose parts hold ten events."""
    monkeypatch.setattr(partitions, "EVENTS_A_PARTITION", 10)
    monkeypatch.setattr(partitions, "SPARE", 5)
    LogHead.objects.update_or_create(pk=1, defaults={"position": BEGIN - 1})
    LogTail.objects.update_or_create(pk=1, defaults={"position": BEGIN - 1})


def parts() -> list[tuple[int, int]]:
    return [(part.start - BEGIN, part.end - BEGIN) for part in list_partitions() if part.start]


def left() -> list[int]:
    return [seq - BEGIN for seq in Event.objects.order_by("seq").values_list("seq", flat=True)]


def keep(events: int) -> EventLog:
    return EventLog.model_validate({"keep": 0, "max_events": events})


def fill(count: int) -> None:
    """From number BEGIN on, in parts of ten."""
    while list_partitions()[-1].end < BEGIN + count:
        partitions.make_room(list_partitions()[-1].end)
    log_events(count)


def test_there_is_room_before_it_is_needed() -> None:
    """Half a part ahead, when the lead is taken and while it goes on, in one batch or many."""
    sequencer = new_sequencer()
    assert parts() == [(0, 10)]
    for number in range(26):
        store(f"e{number}")
        run_dry(sequencer)
        assert parts()[-1][1] - number >= 5
    store(*(f"f{number}" for number in range(40)))
    run_dry(sequencer)
    assert left() == list(range(66))
    starts = [start for start, _ in parts()]
    assert starts == [0, *(end for _, end in parts()[:-1])]


def test_many_parts_become_larger_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part costs each query a little."""
    monkeypatch.setattr(partitions, "_MANY", 2)
    fill(60)
    sizes = [end - start for start, end in parts()]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 20


def test_whole_parts_are_dropped_and_the_rest_waits_for_its_own() -> None:
    """A part that will be due soon goes whole then; nobody deletes its rows one by one."""
    fill(60)
    trim(keep(40), lambda: False)
    assert left() == list(range(20, 60))
    trim(keep(33), lambda: False)
    assert (left()[0], parts()[0]) == (20, (20, 30)), "seven too many, and all of the part is due with 30 to keep"
    trim(keep(15), lambda: False)
    assert left()[0] == 45


def test_the_rest_is_removed_row_by_row_when_its_part_stays_for_long() -> None:
    """A small log in large parts does not keep everything for years."""
    fill(60)
    trim(keep(58), lambda: False)
    assert left() == list(range(2, 60))
    assert parts()[0] == (0, 10)


@pytest.mark.django_db(transaction=True)
def test_a_part_that_is_being_read_goes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants to read meanwhile would wait for us, so we do not wait for a long query."""
    fill(30)
    is_reading, is_done = threading.Event(), threading.Event()

    def read() -> None:
        try:
            with transaction.atomic():
                Event.objects.count()
                is_reading.set()
                is_done.wait(30)
        finally:
            connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    assert is_reading.wait(30)
    try:
        trim(keep(10), lambda: False)
        assert left() == list(range(30))
        assert LogTail.objects.get().position == BEGIN - 1
    finally:
        is_done.set()
        reader.join()
    trim(keep(10), lambda: False)
    assert left() == list(range(20, 30))
    restore_first_part()


def restore_first_part() -> None:
    """For the tests that come after one which really commits."""
    with connection.cursor() as cursor:
        for part in list_partitions():
            cursor.execute(f"DROP TABLE {part.name}")
        cursor.execute("CREATE TABLE log_event_0 (LIKE log_event INCLUDING ALL)")
        cursor.execute(f"ALTER TABLE log_event ATTACH PARTITION log_event_0 FOR VALUES FROM (0) TO ({BEGIN})")


def test_another_holder_of_the_tail_stops_it_before_anything_is_dropped() -> None:
    """The tail moves in the transaction that drops."""
    fill(30)
    lease = leases.take(leases.TAIL, "first")
    assert lease
    LogTail.objects.update(epoch=99)
    with pytest.raises(LeaseLost):
        trimming.Trimmer(lease, lambda: False).run(keep(10))
    assert left() == list(range(30))


def test_a_table_in_one_piece_becomes_parts_where_it_is() -> None:
    """The migration copies nothing, and the indexes have the names that later migrations know."""
    fill(3)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA before")
        cursor.execute(
            """
            CREATE TABLE before.log_event (LIKE log_event INCLUDING DEFAULTS);
            INSERT INTO before.log_event SELECT * FROM log_event;
            SET LOCAL search_path = before;
            ALTER TABLE log_event ADD CONSTRAINT log_event_pkey PRIMARY KEY (seq);
            CREATE INDEX event_repository ON log_event (source_id, repository, seq);
            CREATE INDEX event_changes ON log_event (seq) WHERE action = 'push' OR action = 'mount' OR action = 'delete'
            """
        )
        migration = import_module("notifications.log.migrations.0004_the_log_in_parts")
        migration.partition(None, SimpleNamespace(connection=connection))
        assert left() == [0, 1, 2]
        assert [(part.start, part.end) for part in list_partitions()] == [(0, BEGIN + 2_000_000)]
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'log_event'::regclass AND indisvalid"
        )
        names = {name for (name,) in cursor.fetchall()}
    assert names == {"log_event_pkey", "event_repository", "event_changes"}
