from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.log import leases
from notifications.log.leases import HEAD, Lease, LeaseLost, consumer_place
from notifications.log.models import Consumer, LogHead

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def head() -> None:
    LogHead.objects.get_or_create(pk=1)


def taken(holder: str) -> Lease:
    lease = leases.take(HEAD, holder)
    assert lease is not None
    return lease


def test_one_holds_a_place_at_a_time() -> None:
    """Until it is given back; each taking is a new epoch."""
    ann = taken("ann")
    assert leases.take(HEAD, "bob") is None
    leases.release(ann)
    bob = taken("bob")
    assert bob.epoch == ann.epoch + 1
    assert LogHead.objects.get().holder == "bob"


def test_a_place_comes_free_when_its_lease_runs_out() -> None:
    """By the clock of the database."""
    taken("ann")
    run_out = timezone.now() - timedelta(seconds=1)
    LogHead.objects.update(expires_at=run_out)
    taken("bob")


def test_a_lease_that_lasts_longer_than_any_can_has_run_out() -> None:
    """The clock was set back by an hour: nobody waits for an hour."""
    taken("ann")
    LogHead.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    taken("bob")


def test_a_fresh_lease_ends_within_seconds() -> None:
    """Written so that Django reads it, on both databases."""
    taken("ann")
    expires_at = LogHead.objects.get().expires_at
    assert expires_at is not None
    assert timedelta(0) < expires_at - timezone.now() <= timedelta(seconds=leases.LEASE_SECONDS)


def test_a_holder_may_take_its_place_anew() -> None:
    """After the database was away it starts from what the database says."""
    first = taken("ann")
    leases.move(first, start=0, end=7)
    second = taken("ann")
    assert (second.epoch, second.position) == (first.epoch + 1, 7)
    with pytest.raises(LeaseLost):
        leases.move(first, start=7, end=8)


def test_a_slow_holder_can_no_longer_move() -> None:
    """Nor release or prolong what is another's now."""
    ann = taken("ann")
    LogHead.objects.update(expires_at=None)
    bob = taken("bob")
    with pytest.raises(LeaseLost, match="epoch 1"):
        leases.move(ann, start=0, end=5)
    leases.release(ann)
    assert leases.renew("ann") == {}
    assert leases.renew("bob") == {1: bob.epoch}
    leases.move(bob, start=0, end=5)
    assert (LogHead.objects.get().position, LogHead.objects.get().holder) == (5, "bob")


def test_a_place_that_was_rewound_is_not_moved_from_where_it_was() -> None:
    """Whoever sets a position back by hand is not overwritten by a holder that does not know."""
    Consumer.objects.create(name="counters", position=10)
    lease = leases.take(consumer_place("counters"), "ann")
    assert lease is not None
    Consumer.objects.update(position=3)
    with pytest.raises(LeaseLost):
        leases.move(lease, start=10, end=11)
    assert Consumer.objects.get().position == 3


def test_a_move_says_when_and_takes_columns_along() -> None:
    """A consumer's row says when it last moved; the head's which intake row is under way."""
    long_ago = timezone.now() - timedelta(days=1)
    Consumer.objects.create(name="counters", updated_at=long_ago)
    lease = leases.take(consumer_place("counters"), "ann")
    assert lease is not None
    leases.move(lease, start=0, end=1)
    assert Consumer.objects.get().updated_at - long_ago > timedelta(hours=23)
    leases.move(taken("ann"), start=0, end=1, also={"intake_id": 17, "intake_done": 4})
    assert LogHead.objects.values_list("position", "intake_id", "intake_done").get() == (1, 17, 4)


def test_all_places_of_a_holder_are_renewed_together() -> None:
    """And it learns which ones it still has."""
    for name in ("a", "b", "c"):
        Consumer.objects.create(name=name)
    held = {name: leases.take(consumer_place(name), "ann") for name in ("a", "b")}
    taken("ann")
    almost_out = timezone.now() + timedelta(seconds=1)
    Consumer.objects.update(expires_at=almost_out)
    Consumer.objects.filter(name="b").update(holder="bob")
    assert held["a"] is not None
    assert leases.renew("ann") == {1: 1, "a": held["a"].epoch}
    assert Consumer.objects.get(name="a").expires_at > almost_out  # type: ignore[operator]
    assert Consumer.objects.get(name="b").expires_at == almost_out


@pytest.mark.django_db(transaction=True)
def test_whoever_stands_by_writes_nothing() -> None:
    """Asking for a place that is held takes no write lock: on SQLite it would stop every writer."""
    LogHead.objects.get_or_create(pk=1)
    taken("ann")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert leases.take(HEAD, "bob") is None
    assert LogHead.objects.get().holder == "ann"
