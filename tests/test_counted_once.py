"""Counted once: half a minute of the storm that `make soak` lets rage for fifteen."""

import pytest

from tests.servers.databases import Databases
from tests.stock_storm import run_stock_storm

SECONDS = 30

pytestmark = pytest.mark.peer("docker-registry")


@pytest.mark.timeout(SECONDS + 400)
def test_every_event_of_another_registry_is_counted_once(databases: Databases) -> None:
    """It sends them again until they are taken, while everything here is killed in turn."""
    run_stock_storm(databases, SECONDS)
