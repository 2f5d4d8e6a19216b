"""How collections run: in windows, one at a time, on after a stop, by the clock."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from registryhub.config.keeping import Collect
from registryhub.registry.collect.claims import begin, claim_next
from registryhub.registry.collect.plan import KEPT, new_collection, schedule
from registryhub.registry.collect.work import work_off
from registryhub.registry.models import Collection
from registryhub.registry.room import Store
from tests.registry.collecting import (
    assert_consistent,
    assert_nothing_unreferenced,
    collect,
    counts,
    on_disk,
    push_blob,
    push_image,
)
from tests.registry.stage import changed
from tests.registry.stores import KINDS, store_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


def test_many_rows_are_walked_in_windows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are, nothing is passed over, and the last batch is no special one."""
    monkeypatch.setattr("registryhub.registry.collect.windows.ROWS", 3)
    monkeypatch.setattr("registryhub.registry.collect.links.BATCH", 2)
    monkeypatch.setattr("registryhub.registry.collect.contents.HOLD_SECONDS", 0.0)
    for number in range(10):
        push_blob(store, f"app{number % 3}", b"%d" % number)
        if number % 3 == 0:
            push_image(store, "kept", f"image {number}", f"v{number}")
    assert counts(collect(store, grace=0.0)) == (0, 10, 10)
    assert_consistent(store)
    assert_nothing_unreferenced(store)


def test_one_that_is_told_to_stop_goes_on_later(store: Store) -> None:
    """At its cursor, and with what it had counted."""
    for number in range(3):
        push_blob(store, "app", b"%d" % number)
    Collection.objects.bulk_create([new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0)])
    answers = iter([False, False, False])
    work_off(store.driver, lambda: next(answers, True))
    collection = Collection.objects.get()
    assert (collection.state, collection.holder) == ("running", "")
    assert collection.links == 3
    work_off(store.driver, lambda: False)
    collection.refresh_from_db()
    assert (collection.state, counts(collection)) == ("finished", (0, 3, 3))
    assert on_disk(store) == set()


def test_what_breaks_a_collection_is_written_down(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one is carried out all the same."""
    requests = [new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0) for _ in range(2)]
    Collection.objects.bulk_create(requests)

    def broken(path: str) -> list[str]:
        monkeypatch.undo()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store.driver, "names", broken)
    work_off(store.driver, lambda: False)
    first, second = Collection.objects.order_by("pk")
    assert (first.state, second.state) == ("failed", "finished")
    assert "Input/output error" in first.error


def test_one_collection_runs_at_a_time(store: Store) -> None:
    """A second one is not begun, and nobody takes over one whose holder lives."""
    first = new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0)
    assert begin(first)
    assert not begin(new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0))
    Collection.objects.bulk_create([new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0)])
    assert claim_next() is None
    Collection.objects.filter(pk=first.pk).update(expires_at=None)
    taken = claim_next()
    assert taken is not None
    assert (taken.pk, taken.epoch) == (first.pk, first.epoch + 1)


def test_a_dry_run_that_was_interrupted_begins_anew(store: Store) -> None:
    """Nobody remembers what it would have removed."""
    push_blob(store, "app", b"garbage")
    Collection.objects.create(
        state="running", is_dry_run=True, grace_seconds=0.0, phase="files", links=1, blobs=1, freed_bytes=7
    )
    work_off(store.driver, lambda: False)
    collection = Collection.objects.get()
    assert (collection.state, counts(collection), collection.freed_bytes) == ("finished", (0, 1, 1), 7)


def test_each_slot_of_the_schedule_has_one_collection(store: Store) -> None:
    """However many beats ask, and however often; when it is off there is none."""
    noon = timezone.now().replace(hour=12, minute=0)
    config = changed(Collect(), interval_seconds=3600.0, grace_seconds=5.0, untagged_seconds=7.0)
    for minutes in (0, 1, 59):
        schedule(config, noon + timedelta(minutes=minutes))
        work_off(store.driver, lambda: False)
    schedule(config, noon + timedelta(minutes=60))
    schedule(config, noon + timedelta(minutes=120))  # the one before is not carried out yet
    slots = [each.slot.hour for each in Collection.objects.order_by("pk") if each.slot]
    assert slots == [12, 13]
    collection = Collection.objects.latest("pk")
    assert (collection.grace_seconds, collection.untagged_seconds) == (5.0, 7.0)
    Collection.objects.all().delete()
    schedule(changed(config, enabled=False), noon)
    assert not Collection.objects.exists()


def test_old_collections_are_forgotten(store: Store) -> None:
    """The latest are kept to look at."""
    Collection.objects.bulk_create([Collection(state="finished", grace_seconds=1.0) for _ in range(KEPT + 5)])
    schedule(Collect(), timezone.now())
    assert Collection.objects.filter(state="finished").count() == KEPT
    assert Collection.objects.filter(state="waiting").count() == 1
