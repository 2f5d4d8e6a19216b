"""A process that is tied to its parent does not outlive it."""

import subprocess
import sys

from tests.servers.proc import is_alive
from tests.servers.server import wait_until

_CHILD = """
import os, sys, time
from registryhub.processes.parentage import end_with
parent = os.getpid()
child = os.fork()
if child == 0:
    end_with({parent})
    time.sleep(60)
print(child, flush=True)
{then}
"""


def _run(parent: str, then: str) -> subprocess.Popen[str]:
    program = _CHILD.format(parent=parent, then=then)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_a_child_dies_with_its_killed_parent() -> None:
    """Even when the parent can do nothing about it any more."""
    with _run("parent", "time.sleep(60)") as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    assert wait_until(lambda: not is_alive(child), 5)


def test_a_child_whose_parent_is_dead_already_ends_at_once() -> None:
    """It finds another parent than the one that forked it."""
    with _run("1 << 30", "print(os.waitpid(child, 0)[1])") as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert int(parent.stdout.readline()) == 1 << 8
