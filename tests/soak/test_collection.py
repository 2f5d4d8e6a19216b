"""Garbage collection under load, for a minute and a half."""

import pytest

from tests.collecting import run_load
from tests.servers.databases import Databases

SECONDS = 90


@pytest.mark.timeout(SECONDS + 600)
def test_a_collection_in_a_loop_takes_nothing_that_was_pushed(
    databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was answered pulls whole; afterwards no byte is left that nothing refers to."""
    summary = run_load(databases, SECONDS, at_least=500)
    with capsys.disabled():
        print(f"\n{databases.kind}: {summary}")
