"""Updates of one row that are written once."""

from datetime import UTC, datetime

import pytest

from notifications.delivery.models import Endpoint
from registryhub.database.updates import RowUpdate

pytestmark = pytest.mark.django_db

NAMES = ("successes", "failing_seconds", "last_failure_at", "last_error", "statuses", "is_paused")
NOW = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)


def changed(endpoint: Endpoint) -> Endpoint:
    endpoint.successes, endpoint.failing_seconds, endpoint.last_failure_at = 7, 0.5, NOW
    endpoint.last_error, endpoint.statuses, endpoint.is_paused = "100 % 'ä'", {"200 OK": 7}, True
    endpoint.threshold = 99
    return endpoint


def test_only_what_is_named_is_written_in_every_kind_of_field() -> None:
    """Numbers, times, text, documents, truth and nothing."""
    endpoint, other = Endpoint.objects.create(name="a"), Endpoint.objects.create(name="b")
    update = RowUpdate(Endpoint, NAMES)
    assert update.run(changed(endpoint))
    saved = Endpoint.objects.get(name="a")
    assert [getattr(saved, name) for name in NAMES] == [getattr(endpoint, name) for name in NAMES]
    assert saved.threshold == other.threshold
    assert Endpoint.objects.get(name="b").successes == 0
    endpoint.last_failure_at = None
    assert update.run(endpoint)
    assert Endpoint.objects.get(name="a").last_failure_at is None


def test_a_row_that_is_gone_or_has_changed_is_not_touched() -> None:
    """The caller is told."""
    endpoint = Endpoint.objects.create(name="a", revision=2)
    update = RowUpdate(Endpoint, NAMES, "revision = %s")
    assert not update.run(changed(endpoint), 1)
    assert Endpoint.objects.get(name="a").successes == 0
    assert update.run(endpoint, 2)
    Endpoint.objects.all().delete()
    endpoint.pk = 1
    assert not RowUpdate(Endpoint, NAMES).run(endpoint)
