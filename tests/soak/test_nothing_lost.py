"""Nothing lost, for ten minutes."""

import pytest

from tests.servers.databases import Databases
from tests.storm import run_storm

SECONDS = 600


@pytest.mark.timeout(SECONDS + 900)
def test_ten_minutes_of_kills_lose_nothing(databases: Databases, capsys: pytest.CaptureFixture[str]) -> None:
    """16 clients pull and push while everything is killed in turn: each answered request has exactly one event."""
    summary = run_storm(databases, SECONDS)
    with capsys.disabled():
        print(f"\n{databases.kind}: {summary}")
