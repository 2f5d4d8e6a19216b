"""Garbage collection under load: a quarter of a minute of what `make soak` does for longer."""

import pytest

from tests.collecting import run_load
from tests.servers.databases import Databases

SECONDS = 15


@pytest.mark.timeout(SECONDS + 285)
def test_a_collection_in_a_loop_takes_nothing_that_was_pushed(databases: Databases) -> None:
    """What was answered pulls whole; afterwards no byte is left that nothing refers to."""
    run_load(databases, SECONDS, at_least=100)
