"""Twenty thousand events behind an endpoint that is down; a million in tests/soak."""

from pathlib import Path

import pytest

from tests.notifications.delivery.queueing import run_queue

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 20_000
FLAT_MIB = 16.0
"""Less than the events take in memory, with what Python adds."""


def test_a_long_queue_costs_no_memory_and_holds_up_nobody(tmp_path: Path) -> None:
    """The other endpoint gets everything meanwhile; then all arrive in order, once each."""
    found = run_queue(COUNT, tmp_path, timeout_seconds=60)
    for path in ("/up", "/down"):
        assert (found.arrivals[path].last, found.arrivals[path].misplaced) == (COUNT, [])
        assert found.arrivals[path].repeated == 0
    assert max(found.others.peak, found.down.peak) < found.memory_at_rest + FLAT_MIB
    assert found.failed_attempts > 0
