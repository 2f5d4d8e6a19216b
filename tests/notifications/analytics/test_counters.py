from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from notifications.analytics.counters import consumers, count
from notifications.analytics.models import (
    Counts,
    RepositoryDay,
    RepositoryHour,
    RepositoryTotals,
    TagDay,
    TagHour,
    TagTotals,
)
from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from tests.notifications.analytics.logged import NOON, counted, logged

pytestmark = pytest.mark.django_db

HOUR = NOON.replace(minute=0, second=0, microsecond=0)


def numbers(row: Counts) -> tuple[int, int, int]:
    return row.pulls, row.checks, row.pushes


def test_the_relay_finds_the_counters_among_the_consumers() -> None:
    """By the dotted string in the settings."""
    assert "notifications.analytics.counters.consumers" in settings.EVENT_CONSUMERS
    (consumer,) = import_string("notifications.analytics.counters.consumers")()
    assert consumer == consumers()[0]
    assert (consumer.name, consumer.handle) == ("counters", count)


def test_a_batch_moves_every_counter_it_touches() -> None:
    """Totals, hours and days, of the repository and of the tag."""
    counted(
        logged("pull"),
        logged("pull", occurred_at=NOON + timedelta(seconds=1)),
        logged("check"),
        logged("pull", method="HEAD"),
        logged("push"),
        logged("pull", tag="", occurred_at=NOON + timedelta(hours=1)),
        logged("pull", occurred_at=NOON - timedelta(days=1)),
    )
    repository = Repository.objects.get(name="app/web")
    assert numbers(RepositoryTotals.objects.get(repository=repository)) == (4, 2, 1)
    assert numbers(TagTotals.objects.get(repository=repository, tag="latest")) == (3, 2, 1)
    assert {row.hour: numbers(row) for row in RepositoryHour.objects.all()} == {
        HOUR - timedelta(days=1): (1, 0, 0),
        HOUR: (2, 2, 1),
        HOUR + timedelta(hours=1): (1, 0, 0),
    }
    assert {row.day: numbers(row) for row in RepositoryDay.objects.all()} == {
        date(2026, 11, 23): (1, 0, 0),
        date(2026, 11, 24): (3, 2, 1),
    }
    assert {row.hour: numbers(row) for row in TagHour.objects.all()} == {
        HOUR - timedelta(days=1): (1, 0, 0),
        HOUR: (2, 2, 1),
    }
    assert {row.day: numbers(row) for row in TagDay.objects.all()} == {
        date(2026, 11, 23): (1, 0, 0),
        date(2026, 11, 24): (2, 2, 1),
    }


def test_later_batches_add_up() -> None:
    """Row by row, whatever the order of arrival."""
    for _ in range(3):
        counted(logged("pull"), logged("pull", repository="other"))
    assert {row.repository.name: numbers(row) for row in RepositoryTotals.objects.all()} == {
        "app/web": (3, 0, 0),
        "other": (3, 0, 0),
    }
    assert numbers(TagHour.objects.get(repository__name="other")) == (3, 0, 0)


def test_the_two_clocks_tell_a_pull_from_a_look() -> None:
    """A check says that an image is still in use, and is no pull. Clocks only move forward."""
    counted(logged("push", occurred_at=NOON - timedelta(hours=2)))
    row = TagTotals.objects.get()
    assert (row.last_pulled_at, row.last_seen_at, row.last_pushed_at) == (None, None, NOON - timedelta(hours=2))
    counted(logged("check", occurred_at=NOON))
    counted(logged("pull", occurred_at=NOON - timedelta(hours=1)))
    counted(logged("pull", occurred_at=NOON - timedelta(hours=3)))
    for row in (TagTotals.objects.get(), RepositoryTotals.objects.get()):  # type: ignore[assignment]
        assert row.last_pulled_at == NOON - timedelta(hours=1)
        assert row.last_seen_at == NOON
        assert row.last_pushed_at == NOON - timedelta(hours=2)


def test_hours_are_those_of_the_event_not_of_its_receipt() -> None:
    """A registry that was cut off for three days sends its events late."""
    counted(logged("pull", occurred_at=NOON, received_at=NOON + timedelta(days=3)))
    assert RepositoryHour.objects.get().hour == HOUR
    assert RepositoryDay.objects.get().day == date(2026, 11, 24)


def test_an_event_from_the_future_is_counted_when_it_came() -> None:
    """It must not lead the boards until that year has come."""
    counted(logged("pull", occurred_at=datetime(2999, 1, 1, tzinfo=UTC), received_at=NOON))
    assert RepositoryDay.objects.get().day == date(2026, 11, 24)
    assert RepositoryTotals.objects.get().last_pulled_at == NOON


def test_two_registries_of_one_name_are_never_added_up() -> None:
    """A repository is (source, name); names are data, whatever they hold."""
    edge = Source.objects.create(name="edge")
    odd = "a'; DROP TABLE x; -- %s 名 " + "x" * 200
    counted(logged("pull"), logged("pull", source_id=edge.pk), logged("pull", odd), logged("pull", "app", tag="a:b/c"))
    assert list(RepositoryTotals.objects.values_list("pulls", flat=True)) == [1, 1, 1, 1]
    assert set(Repository.objects.values_list("source_id", "name")) == {
        (HUB_SOURCE_ID, "app/web"),
        (edge.pk, "app/web"),
        (HUB_SOURCE_ID, odd),
        (HUB_SOURCE_ID, "app"),
    }
    assert TagTotals.objects.filter(tag="a:b/c").exists()


def test_history_stays_when_a_tag_is_deleted_and_pushed_again() -> None:
    """Counters hang on the tag's name and not on its row."""
    counted(logged("push"), logged("pull"), logged("delete"), logged("push", digest="sha256:" + "b" * 64))
    assert numbers(TagTotals.objects.get()) == (1, 0, 2)


def test_counters_pass_two_thousand_million() -> None:
    """32 bits were too few elsewhere."""
    counted(logged("pull"))
    for model in (RepositoryTotals, RepositoryHour, RepositoryDay, TagTotals, TagHour, TagDay):
        model.objects.update(pulls=2**31 - 1)
    counted(logged("pull"))
    for model in (RepositoryTotals, RepositoryHour, RepositoryDay, TagTotals, TagHour, TagDay):
        assert model.objects.values_list("pulls", flat=True).get() == 2**31


def test_a_batch_that_is_rolled_back_counts_for_nothing() -> None:
    """Counters move with the consumer's position or not at all, and the same batch counts once when it is repeated."""
    batch = [logged("pull"), logged("push")]

    class Killed(Exception):
        pass

    def die() -> None:
        with transaction.atomic():
            count(batch)
            raise Killed

    with pytest.raises(Killed):
        die()
    assert not RepositoryTotals.objects.exists()
    assert not Repository.objects.exists()
    counted(*batch)
    assert numbers(RepositoryTotals.objects.get()) == (1, 0, 1)


def test_a_batch_costs_a_statement_a_table() -> None:
    """However many events it holds."""
    counted(logged("pull"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        counted(*(logged("pull", tag=f"v{number % 7}") for number in range(1000)))
    writes = [query for query in queries.captured_queries if query["sql"].startswith("INSERT")]
    assert len(writes) == 6
    assert len(queries.captured_queries) <= 10


def test_a_batch_of_many_keys_is_counted_whole() -> None:
    """More rows than one statement takes."""
    counted(*(logged("pull", f"r{number % 250}", tag=f"v{number}") for number in range(1000)))
    assert RepositoryTotals.objects.filter(pulls=4).count() == 250
    assert TagDay.objects.filter(pulls=1).count() == 1000


def test_events_that_count_for_nothing_cost_nothing() -> None:
    """A batch of blob pulls touches no table and makes no repository."""
    with CaptureQueriesContext(connection) as queries:
        count([logged("pull", tag="", media_type="application/octet-stream")] * 100)
    assert len(queries) == 0
