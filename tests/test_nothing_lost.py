"""Nothing lost: half a minute of the storm that `make soak` lets rage for ten."""

import pytest

from tests.servers.databases import Databases
from tests.storm import run_storm

SECONDS = 30


@pytest.mark.timeout(SECONDS + 300)
def test_kills_lose_nothing_and_count_nothing_twice(databases: Databases) -> None:
    """16 clients pull and push while everything is killed in turn: each answered request has exactly one event."""
    run_storm(databases, SECONDS)
