"""Nothing lost, for deployments: half a minute of what `make soak` does for five."""

import pytest

from tests.publishing import run_deploy_storm
from tests.servers.databases import Databases

SECONDS = 24


@pytest.mark.timeout(SECONDS + 400)
@pytest.mark.peer("dockerd", "busybox")
def test_every_push_ends_in_a_finished_deployment(databases: Databases) -> None:
    """Worker, relay and supervisor die every two seconds; one container is left, with the last good version."""
    run_deploy_storm(databases, SECONDS)
