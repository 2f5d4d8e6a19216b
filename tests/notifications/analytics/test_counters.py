from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from notifications.analytics.counters import add, consumers, count
from notifications.analytics.models import (
    DigestTotals,
    Puller,
    RepositoryDay,
    RepositoryHour,
    RepositoryTotals,
    RepositoryUseHour,
    TagDay,
    TagHour,
    TagTotals,
)
from notifications.analytics.reading import read
from notifications.analytics.shapes import Counts
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
    assert (consumer.name, consumer.read, consumer.handle) == ("counters", read, add)


def test_a_batch_moves_every_counter_it_touches() -> None:
    """Totals, hours and days, of the repository and of the tag."""
    counted(
        logged("pull"),
        logged("pull", occurred_at=NOON + timedelta(seconds=1)),
        logged("check", address="10.0.0.2:5000"),
        logged("pull", method="HEAD", address="10.0.0.2:5000"),
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


def test_a_batch_costs_as_many_queries_as_one_event(django_assert_max_num_queries: Any) -> None:
    """However many events it holds: each table gets one statement."""
    counted(logged("pull"))
    with django_assert_max_num_queries(32):
        counted(logged("pull", tag="v1"))
    with django_assert_max_num_queries(32):
        counted(*(logged("pull", tag=f"v{number % 7}") for number in range(1000)))


def test_a_batch_of_many_keys_is_counted_whole() -> None:
    """More rows than one statement takes."""
    counted(*(logged("pull", f"r{number % 250}", tag=f"v{number}") for number in range(1000)))
    assert RepositoryTotals.objects.filter(pulls=4).count() == 250
    assert TagDay.objects.filter(pulls=1).count() == 1000


def test_events_that_count_for_nothing_cost_nothing() -> None:
    """A batch of pushed blobs touches no table and makes no repository."""
    with CaptureQueriesContext(connection) as queries:
        count([logged("push", tag="", media_type="application/octet-stream")] * 100)
    assert len(queries) == 0


def test_a_client_that_looks_and_then_fetches_has_pulled_once() -> None:
    """HEAD by tag, the index by its digest, the image of a platform by its digest: one pull, of the tag."""
    index = {"digest": f"sha256:{'f' * 64}", "media_type": "application/vnd.oci.image.index.v1+json"}
    image = {"digest": f"sha256:{'a' * 64}", "facts": '{"platforms":["linux/arm64"]}'}
    counted(
        logged("check", **index),
        logged("pull", tag="", occurred_at=NOON + timedelta(seconds=1), **index),
        logged("pull", tag="", occurred_at=NOON + timedelta(seconds=2), **image),
    )
    assert numbers(RepositoryTotals.objects.get()) == (1, 0, 0)
    assert numbers(TagTotals.objects.get(tag="latest")) == (1, 0, 0)
    assert numbers(DigestTotals.objects.get(pulls__gt=0)) == (1, 0, 0)
    assert uses("platform") == {"": 1, "linux/arm64": 1}
    assert TagTotals.objects.get().last_pulled_at == (NOON + timedelta(seconds=1)).replace(microsecond=0)


def test_scanners_and_mirrors_are_told_apart() -> None:
    """What they pull is no pull, but stands beside them, and they have seen the image."""
    counted(
        logged("pull"), logged("pull", user_agent="Trivy/0.50.0"), logged("pull", user_agent="trivy/0.50.0", tag="")
    )
    totals = RepositoryTotals.objects.get()
    assert (totals.pulls, totals.excluded) == (1, 2)
    assert uses("audience") == {"unknown": 1, "scanner": 2}
    assert totals.bytes == 3 * 442


def test_attachments_are_no_pulls() -> None:
    """Signatures by their old tags, and whatever has a subject."""
    counted(
        logged("pull", tag=f"sha256-{'a' * 64}.sig"),
        logged("pull", tag="", digest=f"sha256:{'9' * 64}", facts='{"attached":true}'),
    )
    totals = RepositoryTotals.objects.get()
    assert (totals.pulls, totals.excluded) == (0, 2)
    assert totals.last_pulled_at is None
    assert totals.last_seen_at == NOON


def test_pullers_are_counted_once_a_day() -> None:
    """By address whatever the port, or by name; the next day they are others."""
    counted(
        logged("pull", address="10.0.0.1:1"),
        logged("pull", address="10.0.0.1:2"),
        logged("pull", address="10.0.0.2:1"),
        logged("pull", address="10.0.0.3:1", actor="ann"),
        logged("pull", address="10.0.0.4:1", actor="ann"),
        logged("pull", address="10.0.0.1:1", occurred_at=NOON - timedelta(days=1)),
    )
    assert list(RepositoryDay.objects.order_by("day").values_list("pullers", flat=True)) == [1, 3]
    assert RepositoryTotals.objects.get().pullers == 4
    assert Puller.objects.filter(day=NOON.date()).values("who").distinct().count() == 3
    hashes = Puller.objects.values_list("day", "who")
    assert len({who for _, who in hashes}) == 4


def test_blobs_are_bytes() -> None:
    """They count for no pull, but for what they weigh."""
    counted(logged("pull", tag="", media_type="application/octet-stream", size=1000), logged("mount", tag=""))
    totals = RepositoryTotals.objects.get()
    assert (totals.pulls, totals.bytes) == (0, 1000)
    assert uses("action") == {"blob": 1, "mount": 1}


def uses(by: str) -> dict[str, int]:
    """How often something was fetched, by a column of the uses; platforms are told of what went out."""
    rows = (
        RepositoryUseHour.objects.filter(action="fetch")
        if by == "platform"
        else RepositoryUseHour.objects.exclude(action="fetch")
    )
    found = rows.values(by).annotate(times=Sum("pulls")).order_by()
    return {row[by]: row["times"] for row in found if row["times"]}


@pytest.mark.only_database("postgres")
@pytest.mark.parametrize("table", ["repositorytotals", "tagtotals", "digesttotals"])
def test_adding_to_totals_changes_no_index(table: str) -> None:
    """Rows are changed where they stand: no index has a number in it, and their pages have room."""
    for minute in range(5):
        count([logged(occurred_at=NOON + timedelta(minutes=5 * minute))])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_updated(%s::regclass), pg_stat_get_xact_tuples_hot_updated(%s::regclass)",
            [f"analytics_{table}"] * 2,
        )
        updated, in_place = cursor.fetchone()
    assert in_place == updated >= 4
