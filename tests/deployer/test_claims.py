"""One worker a service: taken, renewed, lost, given back."""

import threading

import pytest
from django.db import connection

from deployer import claims
from deployer.claims import Stopping, claim
from deployer.models import Service
from registryhub.database.leases import LeaseLost
from tests.deployer.deploying import make_service
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def never() -> bool:
    return False


def test_a_second_worker_finds_the_service_held() -> None:
    """And takes it as soon as it is given back."""
    service = make_service()
    with claim(service.pk, never) as first, claim(service.pk, never) as second:
        assert first is not None
        assert second is None
    with claim(service.pk, never) as third:
        assert third is not None


def test_a_lost_claim_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ran out while it was stopped, another took over: what it would write is rolled back."""
    service = make_service()
    with claim(service.pk, never) as slow:
        assert slow is not None
        Service.objects.update(expires_at=None)
        with claim(service.pk, never) as quick:
            assert quick is not None
            with pytest.raises(LeaseLost), slow.writing():
                raise AssertionError("it may not even begin")
            with quick.writing():
                Service.objects.update(is_paused=True)
    service.refresh_from_db()
    assert service.is_paused


def test_a_claim_is_renewed_while_a_step_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a thread of its own, which ends with the claim."""
    monkeypatch.setattr(claims, "_RENEW_SECONDS", 0.05)
    service = make_service()
    with claim(service.pk, never) as held:
        assert held is not None
        Service.objects.update(expires_at=None)
        assert wait_until(lambda: Service.objects.get().expires_at is not None, 5)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("claim of")]


def test_losing_the_claim_shows_while_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only at the next write: a check of health may go on for minutes."""
    monkeypatch.setattr(claims, "_RENEW_SECONDS", 0.05)
    service = make_service()
    with claim(service.pk, never) as held:
        assert held is not None
        Service.objects.update(epoch=99)

        def is_lost() -> bool:
            try:
                held.pause(0.01)
            except LeaseLost:
                return True
            return False

        assert wait_until(is_lost, 5)


def test_a_worker_that_stops_is_told_while_it_waits() -> None:
    """So that it ends in time, and another goes on."""
    with claim(make_service().pk, lambda: True) as held:
        assert held is not None
        with pytest.raises(Stopping):
            held.pause(0.01)
    assert connection.is_usable()
