"""Every push is deployed, for five minutes of kills."""

import pytest

from tests.publishing import run_deploy_storm
from tests.servers.databases import Databases

SECONDS = 300


@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.peer("dockerd", "busybox")
def test_five_minutes_of_kills_leave_no_push_behind(databases: Databases, capsys: pytest.CaptureFixture[str]) -> None:
    """Worker, relay and supervisor die every two seconds; one container is left, with the last good version."""
    summary = run_deploy_storm(databases, SECONDS)
    with capsys.disabled():
        print(f"\n{databases.kind}: {summary}")
