"""A worker in a process of its own that is killed at one step of a roll-out, after it was written down as begun."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.notifications.log.processes import database_url

_ROOT = Path(__file__).parents[2]
_CODE = """
import os, signal, sys
import django
django.setup()
from deployer import build, claims
from deployer.work import work_off

service_id, at, when = sys.argv[1:]
claims.LEASE_SECONDS = 0.5

def make_target(service, deployment):
    target = build.make_target(service, deployment)
    perform = target.perform

    def perform_and_die(step, job):
        if step != at:
            return perform(step, job)
        if when == "after":
            perform(step, job)
        os.kill(os.getpid(), signal.SIGKILL)

    target.perform = perform_and_die
    return target

work_off(int(service_id), make_target, lambda: False)
"""


def work_until_killed(service_id: int, step: str, when: str, *, engine: str, registry: str) -> None:
    """Let it work on the database of the unit tests; `when` is before or after the action of the step.

    Raises AssertionError when it ends otherwise than by its own kill -9.
    """
    result = subprocess.run(
        [sys.executable, "-c", _CODE, str(service_id), step, when],
        cwd=_ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "REGISTRY_HUB_DEPLOYER_ENGINE": engine,
            "REGISTRY_HUB_DEPLOYER_REGISTRY": registry,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stdout + result.stderr
