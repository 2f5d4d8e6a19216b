"""A million events behind an endpoint that is down."""

from pathlib import Path

import pytest
from django.db import connection

from tests.notifications.delivery.queueing import run_queue

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 1_000_000
SECONDS = 1800
FLAT_MIB = 16.0
"""However long the queue is."""


@pytest.mark.timeout(3 * SECONDS)
def test_a_million_events_cost_no_memory_and_hold_up_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All arrive in order, once each by their ids, when the endpoint comes back."""
    found = run_queue(COUNT, tmp_path, timeout_seconds=SECONDS)
    with capsys.disabled():
        print(f"\n{connection.vendor}: {found}")
    for path in ("/up", "/down"):
        assert (found.arrivals[path].last, found.arrivals[path].misplaced) == (COUNT, [])
        assert found.arrivals[path].repeated == 0
    assert max(found.others.peak, found.down.peak) < found.memory_at_rest + FLAT_MIB
