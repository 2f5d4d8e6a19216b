"""Counted once, for a quarter of an hour."""

import pytest

from tests.servers.databases import Databases
from tests.stock_storm import run_stock_storm

SECONDS = 900

pytestmark = pytest.mark.peer("docker-registry")


@pytest.mark.timeout(SECONDS + 1200)
def test_a_quarter_of_an_hour_of_another_registry_is_counted_once(
    databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    """It sends its events again until they are taken, while everything here is killed in turn."""
    summary = run_stock_storm(databases, SECONDS)
    with capsys.disabled():
        print(f"\n{databases.kind}: {summary}")
